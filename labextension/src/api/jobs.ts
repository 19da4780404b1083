import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { ICompute, IExecutedNotebook, IJob, IJobSpec, ILogChunk, IPage, IParameter, JobState } from './types';

/** Jobs and what they run on. */
export interface IJobsClient {
  list: (options?: IPaging & { state?: JobState }, signal?: AbortSignal) => Promise<IPage<IJob>>;
  show: (id: string, signal?: AbortSignal) => Promise<IJob>;
  submit: (spec: IJobSpec) => Promise<IJob>;
  cancel: (id: string) => Promise<IJob>;
  /** Bytes from `offset`, or the last `tail` lines. */
  log: (
    id: string,
    options: { offset?: number; tail?: number; limit?: number },
    signal?: AbortSignal
  ) => Promise<ILogChunk>;
  compute: (signal?: AbortSignal) => Promise<ICompute>;
  /** The parameters of a notebook, from its cell tagged `parameters`. */
  parameters: (notebook: string, signal?: AbortSignal) => Promise<readonly IParameter[]>;
  /** A notebook with the outputs of its run, by the path that its job or step gives. */
  executed: (path: string, signal?: AbortSignal) => Promise<IExecutedNotebook>;
}

export function jobsClient(request: Request): IJobsClient {
  return {
    list: (options = {}, signal) => request('jobs/jobs', { query: { ...options }, signal }),
    show: (id, signal) => request(`jobs/jobs/${pathOf(id)}`, { signal }),
    submit: spec => request('jobs/jobs', { body: spec }),
    cancel: id => request(`jobs/jobs/${pathOf(id)}/cancel`, { body: {} }),
    log: (id, options, signal) => request(`jobs/jobs/${pathOf(id)}/log`, { query: { ...options }, signal }),
    compute: signal => request('jobs/compute', { signal }),
    parameters: (notebook, signal) => request('jobs/parameters', { query: { notebook }, signal }),
    executed: (path, signal) => request('jobs/executed', { query: { path }, signal })
  };
}
