import type { IJob, JobState } from '../api/types';

const WAITING: readonly JobState[] = ['queued', 'starting'];

export const isWaiting = ({ state }: IJob): boolean => WAITING.includes(state);
/** Whether it can still change. */
export const isActive = (job: IJob): boolean => isWaiting(job) || job.state === 'running';
