import type { IJob, JobState } from '../api/types';

const WAITING: readonly JobState[] = ['queued', 'starting'];
const BADLY: readonly JobState[] = ['failed', 'cancelled', 'lost'];

export const isWaiting = ({ state }: Pick<IJob, 'state'>): boolean => WAITING.includes(state);
/** Whether it can still change. */
export const isActive = (job: Pick<IJob, 'state'>): boolean =>
  isWaiting(job) || job.state === 'running';
/** Whether it ended without success. */
export const endedBadly = ({ state }: Pick<IJob, 'state'>): boolean => BADLY.includes(state);
/**
 * Whether a shell can be had beside it: on this machine also when it has ended, elsewhere only
 * while it runs.
 */
export const isAttachable = (job: Pick<IJob, 'state' | 'array' | 'attempt' | 'backend'>): boolean =>
  !job.array &&
  job.attempt > 0 &&
  (job.state === 'running' || (job.backend === 'local' && !isActive(job)));
/** Whether it stands in the queue: only there can it be held and moved. */
export const isQueued = ({ state }: Pick<IJob, 'state'>): boolean => state === 'queued';

/**
 * Whether another one like it can be submitted: a step belongs to its pipeline, an array is many.
 */
export const isCloneable = ({ labels, array }: Pick<IJob, 'labels' | 'array'>): boolean =>
  !Object.keys(labels).length && !array;

/** The state as it is shown: a job on hold waits for a person, not for a slot. */
export const shownState = (job: IJob): string =>
  isQueued(job) && job.held_by ? 'held' : job.state;
