import type { IClient } from '../api/client';
import { ApiError, asApiError } from '../api/errors';
import type { IJob } from '../api/types';
import { isActive } from './state';

const FIRST_MS = 150;
const LONGEST_MS = 2_000;
/** After answers that were lost. */
const SLOWEST_MS = 30_000;

const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds));

/** Resolves when the browser's tab is in sight. */
async function seen(): Promise<void> {
  while (document.visibilityState === 'hidden') {
    await new Promise(resolve =>
      document.addEventListener('visibilitychange', resolve, { once: true })
    );
  }
}

interface IWait {
  signal?: AbortSignal;
  /** Milliseconds until it is first asked for. */
  next?: number;
}

/**
 * Ask for a thing until it is no longer under way.
 *
 * A lost answer says nothing about the thing: it is asked for again. Once the signal is aborted,
 * nothing is asked any more: the result is then the last state seen, perhaps one still under way.
 */
export async function until<T>(
  thing: T,
  show: () => Promise<T>,
  isUnderWay: (thing: T) => boolean,
  { signal, next = FIRST_MS }: IWait = {}
): Promise<T> {
  let [latest, wait] = [thing, next];
  while (isUnderWay(latest)) {
    await pause(wait);
    await seen();
    if (signal?.aborted) {
      return latest;
    }
    try {
      latest = await show();
      wait = Math.min(wait * 1.5, LONGEST_MS);
    } catch (error) {
      if (!asApiError(error).lost) {
        throw error;
      }
      wait = Math.min(wait * 2, SLOWEST_MS);
    }
  }
  return latest;
}

/** How far a job is, 0 to 1; null if unknown. */
export const fractionOf = ({ progress }: IJob): number | null =>
  typeof progress?.value === 'number' ? progress.value : null;

interface IJobWait extends IWait {
  /** Told of the job as it is each time it is asked for. */
  seen?: (job: IJob) => void;
}

/** Wait until a job can no longer change, however it ends; as `until`. */
export const over = (
  client: IClient,
  job: IJob,
  { seen: tell, ...options }: IJobWait = {}
): Promise<IJob> =>
  until(
    job,
    async () => {
      const latest = await client.jobs.show(job.id);
      tell?.(latest);
      return latest;
    },
    isActive,
    options
  );

/**
 * Wait for the end of a job that a verb was made into. Throws what went wrong as the job tells it;
 * else as `over`.
 */
export const ended = async (client: IClient, job: IJob, options: IJobWait = {}): Promise<IJob> =>
  unfailed(await over(client, job, options));

/** The job, unless it has ended badly: then what went wrong is thrown, as the job tells it. */
export function unfailed(job: IJob): IJob {
  if (!isActive(job) && job.state !== 'succeeded') {
    throw new ApiError(
      'failed',
      `${job.name}: ${job.state}.`,
      job.reason,
      `Its log: job ${job.id}`
    );
  }
  return job;
}
