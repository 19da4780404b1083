import type { IMemory } from '../tokens';

export type PrefilledJob = Readonly<Record<string, unknown>>;

const key = (what: string): string => `schedule-job:${what}`;

/**
 * Keep a job that another form has filled in, for the schedule form of `what`, a reference such as
 * `file:train.ipynb`.
 */
export const prefillJob = (memory: IMemory, what: string, job: PrefilledJob): void =>
  memory.write(key(what), job);

/** That job; undefined if there is none, which is not the same as one that needs nothing. */
export const prefilledJob = (memory: IMemory, what: string): Promise<PrefilledJob | undefined> =>
  memory.read(key(what));
