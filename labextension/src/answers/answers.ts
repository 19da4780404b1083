import type { IChangeEvent, IEvents, Topic } from '../api/events';
import { TOPICS } from '../api/events';
import { asApiError } from '../api/errors';
import { formatRef, pageOf, parseRef } from '../refs';
import { type Every, type Fetch, type IAnswer, Question } from './question';

/** How someone wants to have a question answered. */
export interface IWish<T> {
  /**
   * Milliseconds between two requests while in sight. Default 15 s: a safety net under the events.
   */
  every?: Every<T>;
  /** News that makes the answer old. */
  topics?: readonly Topic[];
  /**
   * Only news of these objects, and of what their pages show: the steps of a pipeline, the versions
   * of a model, the runs of an experiment.
   */
  about?: readonly string[];
  /** Codes of errors that stay true until there is news: nothing is asked after them. */
  final?: readonly string[];
}

const IDLE = 15_000;
const idle = (): number => IDLE;
/** Milliseconds that an entry waits for its first user. */
const UNUSED = 10_000;
/** Milliseconds that an answer is kept that was asked for once. */
const KEPT = 60_000;
/**
 * Milliseconds without any answer, after which a lost one means that contact is: a single request
 * that is always lost must not have all others asked again and again.
 */
const SILENCE = 5_000;

/** A run or a job by the beginning of its id, as a link may have it. */
const SHORT = /^(run|job):[0-9a-f]{4,}$/;

/** The monitor of an alert, which has a page of its own. */
function monitorOf(ref: string): string {
  const parsed = parseRef(ref);
  return parsed?.kind === 'alert' ? formatRef('monitor', parsed.parts[0] ?? '') : ref;
}

/** Whether news of an object concerns a page about `about`. */
export const concerns = (ref: string, about: readonly string[]): boolean =>
  about.some(
    one =>
      [ref, pageOf(ref), monitorOf(ref)].includes(one) || (SHORT.test(one) && ref.startsWith(one))
  );

/** The objects that an event changes; none: it may be all of its topic. */
export function changed({ topic, ref, data }: IChangeEvent): readonly string[] {
  if (!ref) {
    return [];
  }
  return topic === 'run' && typeof data.experiment === 'string'
    ? [ref, formatRef('experiment', data.experiment)]
    : [ref];
}

/** Someone who wants the answer to a question: a component, the status bar. */
export interface IUse<T> {
  readonly answer: IAnswer<T>;
  readonly subscribe: (changed: () => void) => () => void;
  /** Say how the question is to be answered from now on. */
  wish: (wish: IWish<T>) => void;
  /** Look, or look no more: a question that nobody looks at is not asked. */
  look: (looking: boolean) => void;
  /** Ask now, or when someone looks. */
  readonly refresh: () => Promise<void>;
  /** Ask soon. */
  readonly nudge: () => void;
  /** Give up the request that is under way. */
  readonly cancel: () => void;
  /** Want the answer; once the last one wants it no more, it is forgotten. */
  hold: () => void;
  release: () => void;
}

/**
 * The answers of the server that something in this JupyterLab shows. A question is asked once,
 * whoever shows its answer; events say which answers are old.
 *
 * key: what the question is. The same key is the same request, wherever it is used; the reference
 * of an object is the key of what its page shows.
 */
export interface IAnswers {
  use: <T>(key: string, fetch: Fetch<T>, wish?: IWish<T>) => IUse<T>;
  /**
   * The answer, once; at once if it is there already. It is kept for a minute, for whoever asks the
   * same again.
   */
  ask: <T>(key: string, fetch: Fetch<T>) => Promise<T>;
  /** Store an answer that the front end has already, if its question is in use. */
  set: (key: string, data: unknown) => void;
}

class Use<T> implements IUse<T> {
  constructor(
    private readonly _entry: Entry<T>,
    private _wish: IWish<T>
  ) {
    this.subscribe = _entry.question.subscribe;
    this.refresh = _entry.question.refresh;
    this.nudge = _entry.question.nudge;
    this.cancel = _entry.question.cancel;
  }

  readonly subscribe: IUse<T>['subscribe'];
  readonly refresh: () => Promise<void>;
  readonly nudge: () => void;
  readonly cancel: () => void;

  get answer(): IAnswer<T> {
    return this._entry.question.answer;
  }

  get wishes(): IWish<T> {
    return this._wish;
  }

  wish(wish: IWish<T>): void {
    this._wish = wish;
  }

  get looking(): boolean {
    return this._looking;
  }

  look(looking: boolean): void {
    if (looking !== this._looking) {
      this._looking = looking;
      this._entry.look(looking);
    }
  }

  hold(): void {
    this._entry.add(this);
  }

  release(): void {
    this.look(false);
    this._entry.remove(this);
  }

  private _looking = false;
}

/** A question, and who wants its answer. */
class Entry<T> {
  constructor(
    fetch: Fetch<T>,
    /** Called when the first begins to want it, and when the last wants it no more. */
    private readonly _used: (used: boolean) => void
  ) {
    this.question = new Question<T>(fetch, this._every, this._isFinal);
  }

  readonly question: Question<T>;

  get isUsed(): boolean {
    return this._uses.size > 0;
  }

  add(use: Use<T>): void {
    this._uses.add(use);
    this._used(true);
  }

  remove(use: Use<T>): void {
    this._uses.delete(use);
    if (!this.isUsed) {
      this._used(false);
    }
  }

  look(looking: boolean): void {
    if (looking) {
      this.question.start();
    } else if (!this._lookers.length) {
      this.question.stop();
    }
  }

  /** Whether an event makes the answer old. */
  hears(event: IChangeEvent): boolean {
    const objects = changed(event);
    return [...this._uses].some(
      ({ wishes: { topics = [], about } }) =>
        topics.includes(event.topic) &&
        (!about?.length || !objects.length || objects.some(ref => concerns(ref, about)))
    );
  }

  private get _lookers(): Use<T>[] {
    return [...this._uses].filter(({ looking }) => looking);
  }

  /** As soon as the one who waits least wants it. */
  private readonly _every = (data: T | undefined): number | null => {
    const waits = this._lookers
      .map(({ wishes: { every = idle } }) => every(data))
      .filter(wait => wait !== null);
    return waits.length ? Math.min(...waits) : null;
  };

  private readonly _isFinal = (code: string): boolean => {
    const lookers = this._lookers;
    return lookers.length > 0 && lookers.every(({ wishes: { final } }) => final?.includes(code));
  };

  private readonly _uses = new Set<Use<T>>();
}

export class Answers implements IAnswers {
  constructor(events: IEvents) {
    events.listen(TOPICS, event => {
      for (const entry of this._entries.values()) {
        if (entry.hears(event)) {
          entry.question.nudge();
        }
      }
    });
    window.addEventListener('online', () => this._back());
  }

  use<T>(key: string, fetch: Fetch<T>, wish: IWish<T> = {}): IUse<T> {
    return new Use((this._entries.get(key) as Entry<T> | undefined) ?? this._add(key, fetch), wish);
  }

  async ask<T>(key: string, fetch: Fetch<T>): Promise<T> {
    const use = this.use(key, fetch, { every: () => null });
    use.hold();
    use.look(true);
    try {
      return await new Promise<T>((resolve, reject) => {
        const settle = (): void => {
          const { data, error, loading } = use.answer;
          if (data !== undefined) {
            resolve(data);
          } else if (error && !loading) {
            reject(error);
          } else {
            return;
          }
          ended();
        };
        const ended = use.subscribe(settle);
        settle();
      });
    } finally {
      use.look(false);
      setTimeout(() => use.release(), KEPT);
    }
  }

  set(key: string, data: unknown): void {
    this._entries.get(key)?.question.set(data);
  }

  private _add<T>(key: string, fetch: Fetch<T>): Entry<T> {
    const entry = new Entry<T>(this._watched(fetch), used => {
      if (used) {
        this._entries.set(key, this._entries.get(key) ?? (entry as Entry<unknown>));
      } else {
        forget();
      }
    });
    const forget = (): void => {
      if (!entry.isUsed && this._entries.get(key) === entry) {
        this._entries.delete(key);
      }
    };
    this._entries.set(key, entry as Entry<unknown>);
    setTimeout(forget, UNUSED); // what was drawn may be thrown away before it is shown
    return entry;
  }

  /** The same, noting whether the server answers. */
  private _watched<T>(fetch: Fetch<T>): Fetch<T> {
    return async signal => {
      try {
        const data = await fetch(signal);
        this._heard = Date.now();
        if (this._lost) {
          this._back();
        }
        return data;
      } catch (error) {
        this._lost ||=
          !signal.aborted && asApiError(error).lost && Date.now() - this._heard > SILENCE;
        throw error;
      }
    };
  }

  /** The server answers again: no question waits for its next turn, and events were missed. */
  private _back(): void {
    this._lost = false;
    for (const { question } of this._entries.values()) {
      question.nudge();
    }
  }

  private _lost = false;
  /** When the server answered last. */
  private _heard = 0;
  private readonly _entries = new Map<string, Entry<unknown>>();
}
