import type { IClient } from '../api/client';
import { ApiError } from '../api/errors';
import type { IJob } from '../api/types';
import { isActive } from './state';

const FIRST_MS = 150;
const LONGEST_MS = 2000;

const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds));

/** Wait for the end of a job that a verb was made into. Throws what went wrong as the job tells it. */
export async function ended(client: IClient, job: IJob, next = FIRST_MS): Promise<IJob> {
  if (isActive(job)) {
    await pause(next);
    return ended(client, await client.jobs.show(job.id), Math.min(next * 1.5, LONGEST_MS));
  }
  if (job.state !== 'succeeded') {
    throw new ApiError('failed', `${job.name}: ${job.state}.`, job.reason, `Its log: job ${job.id}`);
  }
  return job;
}
