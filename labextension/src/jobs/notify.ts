import { asApiError } from '../api/errors';
import type { IJob } from '../api/types';
import { nameOf, parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { isActive } from './state';

/** Tell of the end of a job; takes `{ref}`. */
export const NOTIFY = 'mlinfra:jobs-notify';
const KEY = 'jobs:notify';
/** All are looked at once a minute: no event tells of what happened while the socket was closed. */
const PAUSE = 60_000;

export interface INotifyOptions {
  /** Whether notifications are turned on. */
  isEnabled: () => boolean;
  /** Whether the page of a job is in sight. */
  inSight: (reference: string) => boolean;
}

/** Tells of the end of jobs that were submitted in this browser, also after a reload. */
export class Ends {
  constructor(
    private readonly _workbench: IWorkbench,
    private readonly _options: INotifyOptions
  ) {
    this._ready = this._restore();
    _workbench.events.listen(['job'], ({ ref, data }) => {
      if (isActive({ state: data.state as IJob['state'] })) {
        return;
      }
      // The end of an element has its own reference: an array is looked at whenever something ends.
      for (const due of this._awaited.has(ref) ? [ref] : this._arrays) {
        void this._look(due);
      }
    });
    this._later();
  }

  /** Tell when this job ends. */
  async await(ref: string): Promise<void> {
    await this._ready;
    this._awaited.add(ref);
    this._keep();
    await this._look(ref); // it may have ended before it was asked for
  }

  private async _restore(): Promise<void> {
    const kept = await this._workbench.memory.read<readonly string[]>(KEY);
    this._awaited = new Set(kept ?? []);
    this._awaited.forEach(ref => void this._look(ref));
  }

  /** Look at all after a minute; after an answer that was lost soon, and later and later. */
  private _later(): void {
    clearTimeout(this._timer);
    const look = async (): Promise<void> => {
      const lost = (await Promise.all([...this._awaited].map(ref => this._look(ref)))).some(
        Boolean
      );
      this._lost = lost ? this._lost + 1 : 0;
      this._later();
    };
    this._timer = setTimeout(
      () => void look(),
      this._lost ? Math.min(PAUSE, 1_000 * 2 ** this._lost) : PAUSE
    );
  }

  /** Tell of the end of a job, if it has ended. Says whether the answer was lost. */
  private async _look(ref: string): Promise<boolean> {
    if (this._looking.has(ref)) {
      this._looking.set(ref, true); // what is on its way may be older than this news
      return false;
    }
    this._looking.set(ref, false);
    let lost = false;
    try {
      const job = await this._workbench.client.jobs.show(nameOf(ref));
      if (job.array) {
        this._arrays.add(ref);
      }
      // Where the code of the message does not come, it is told later.
      const { tell } = isActive(job) ? {} : await import('./ending');
      if (tell && this._awaited.delete(ref)) {
        this._arrays.delete(ref);
        this._keep();
        if (this._options.isEnabled() && !this._options.inSight(job.ref)) {
          tell(job, this._workbench);
        }
      }
    } catch (error) {
      const { status, code } = asApiError(error);
      lost = status < 400 || status >= 500;
      if (code === 'not_found' && this._awaited.delete(ref)) {
        this._keep();
      }
    }
    const news = this._looking.get(ref);
    this._looking.delete(ref);
    if (lost && !this._lost) {
      this._lost = 1;
      this._later();
    }
    return news && !lost && this._awaited.has(ref) ? this._look(ref) : lost;
  }

  private _keep(): void {
    this._workbench.memory.write(KEY, [...this._awaited]);
  }

  private _awaited = new Set<string>();
  private readonly _arrays = new Set<string>();
  /** Jobs that are looked at, and whether there was news of them meanwhile. */
  private readonly _looking = new Map<string, boolean>();
  /** Answers that were lost one after the other. */
  private _lost = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _ready: Promise<void>;
}

/** Have a notification when a job ends, if the user wants them. */
export function notify({ commands }: IWorkbench, ref: string): void {
  if (commands.hasCommand(NOTIFY)) {
    void commands.execute(NOTIFY, { ref });
  }
}

/** The reference in the arguments of a command, if it is one of a job. */
export const jobRef = (ref: unknown): string | null =>
  typeof ref === 'string' && parseRef(ref)?.kind === 'job' ? ref : null;
