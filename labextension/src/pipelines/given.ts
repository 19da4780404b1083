import type { IMemory } from '../tokens';

export type GivenJob = Readonly<Record<string, unknown>>;

const key = (what: string): string => `schedule-job:${what}`;

/**
 * Keep a job that another form has filled in, for the schedule form of `what`, a reference such as
 * `file:train.ipynb`.
 */
export const giveJob = (memory: IMemory, what: string, job: GivenJob): void =>
  memory.write(key(what), job);

/** That job; undefined when it is not known, which is not the same as one that asks for nothing. */
export const givenJob = (memory: IMemory, what: string): Promise<GivenJob | undefined> =>
  memory.read(key(what));
