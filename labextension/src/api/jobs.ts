import type { Need } from './needs';
import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IAttempt,
  IBackend,
  ICodeDiff,
  ICodePreview,
  ICodeSnapshot,
  ICompute,
  IEstimate,
  IExecutedNotebook,
  IJob,
  IJobParameter,
  IJobSpec,
  ILogChunk,
  ILogHits,
  INeeds,
  IPage,
  IParameter,
  IQueuedJob,
  IResources,
  ITerminal,
  JobState
} from './types';

/** What decides when a job starts, how long it runs and what it costs. */
export type IEstimated = Pick<IJobSpec, 'notebook' | 'command' | Need>;

export interface ICloneChanges {
  /** Those that differ. */
  parameters?: Readonly<Record<string, unknown>>;
  /** What is asked for instead; null for none. */
  needs?: INeeds;
  /** With the code as it was then, not as it is now. */
  same_code?: boolean;
}

/** Jobs and what they run on. */
export interface IJobsClient {
  /** Jobs, newest first, an array as one; with `array` its elements in their order. */
  list: (
    options?: IPaging & { state?: JobState; array?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IJob>>;
  show: (id: string, signal?: AbortSignal) => Promise<IJob>;
  submit: (spec: IJobSpec) => Promise<IJob>;
  cancel: (id: string) => Promise<IJob>;
  /** Start it again under the same id, from its checkpoints. */
  requeue: (id: string) => Promise<IJob>;
  /** Take its cancel back: it waits again in its place, and so does what was cancelled with it. */
  restore: (id: string) => Promise<IJob>;
  hold: (id: string) => Promise<IJob>;
  release: (id: string) => Promise<IJob>;
  /** 100 is first, 0 last. */
  prioritize: (id: string, priority: number) => Promise<IJob>;
  clone: (id: string, changes?: ICloneChanges) => Promise<IJob>;
  attempts: (id: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IAttempt>>;
  /** The code that it runs from; null for a job that needs none of the project's. */
  code: (id: string, signal?: AbortSignal) => Promise<ICodeSnapshot | null>;
  /** How that differs from the commit, at most `limit` bytes of it. */
  diff: (id: string, limit: number, signal?: AbortSignal) => Promise<ICodeDiff | null>;
  /** What a snapshot of a notebook's code would hold now. */
  preview: (notebook: string, limit: number, signal?: AbortSignal) => Promise<ICodePreview>;
  /** Open a terminal of the Jupyter server in its environment. */
  attach: (id: string) => Promise<ITerminal>;
  resources: (id: string, seconds: number, signal?: AbortSignal) => Promise<IResources>;
  /** What waits, in the order in which it may start. */
  queue: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IQueuedJob>>;
  estimate: (needs: IEstimated, signal?: AbortSignal) => Promise<IEstimate>;
  /** Bytes from `offset`, or the last `tail` lines, of those before byte `until`. */
  log: (
    id: string,
    options: { offset?: number; tail?: number; limit?: number; until?: number },
    signal?: AbortSignal
  ) => Promise<ILogChunk>;
  /** The lines of its log that hold `text`, in any case. */
  searchLog: (
    id: string,
    options: { text: string; limit?: number; cursor?: string | null },
    signal?: AbortSignal
  ) => Promise<ILogHits>;
  compute: (signal?: AbortSignal) => Promise<ICompute>;
  /** The parameters of a notebook, from its cell tagged `parameters`. */
  parameters: (notebook: string, signal?: AbortSignal) => Promise<readonly IParameter[]>;
  /** Those that a job ran with, the defaults of its notebook as it was then included. */
  values: (id: string, signal?: AbortSignal) => Promise<readonly IJobParameter[]>;
  /** Where jobs can run. */
  backends: (signal?: AbortSignal) => Promise<readonly IBackend[]>;
  /** A notebook with the outputs of its run, by the path that its job or step gives. */
  executed: (path: string) => Promise<IExecutedNotebook>;
  /** The same, or null while it is still the one that was written at `since`. */
  executedSince: (
    path: string,
    since?: string,
    signal?: AbortSignal
  ) => Promise<IExecutedNotebook | null>;
}

export function jobsClient(request: Request): IJobsClient {
  return {
    list: (options = {}, signal) => request('jobs/jobs', { query: { ...options }, signal }),
    show: (id, signal) => request(`jobs/jobs/${pathOf(id)}`, { signal }),
    submit: spec => request('jobs/jobs', { body: spec }),
    cancel: id => request(`jobs/jobs/${pathOf(id)}/cancel`, { body: {} }),
    requeue: id => request(`jobs/jobs/${pathOf(id)}/requeue`, { body: {} }),
    restore: id => request(`jobs/jobs/${pathOf(id)}/restore`, { body: {} }),
    hold: id => request(`jobs/jobs/${pathOf(id)}/hold`, { body: {} }),
    release: id => request(`jobs/jobs/${pathOf(id)}/release`, { body: {} }),
    prioritize: (id, priority) =>
      request(`jobs/jobs/${pathOf(id)}/priority`, { body: { priority } }),
    clone: (id, changes = {}) => request(`jobs/jobs/${pathOf(id)}/clone`, { body: changes }),
    attempts: (id, options = {}, signal) =>
      request(`jobs/jobs/${pathOf(id)}/attempts`, { query: { ...options }, signal }),
    code: (id, signal) => request(`jobs/jobs/${pathOf(id)}/code`, { signal }),
    diff: (id, limit, signal) =>
      request(`jobs/jobs/${pathOf(id)}/diff`, { query: { limit }, signal }),
    preview: (notebook, limit, signal) =>
      request('jobs/preview', { query: { notebook, limit }, signal }),
    attach: id => request(`jobs/jobs/${pathOf(id)}/attach`, { body: {} }),
    resources: (id, seconds, signal) =>
      request(`jobs/jobs/${pathOf(id)}/resources`, { query: { seconds }, signal }),
    queue: (options = {}, signal) => request('jobs/queue', { query: { ...options }, signal }),
    estimate: (needs, signal) => request('jobs/estimate', { body: needs, signal }),
    log: (id, options, signal) =>
      request(`jobs/jobs/${pathOf(id)}/log`, { query: { ...options }, signal }),
    searchLog: (id, options, signal) =>
      request(`jobs/jobs/${pathOf(id)}/log/search`, { query: { ...options }, signal }),
    compute: signal => request('jobs/compute', { signal }),
    parameters: (notebook, signal) => request('jobs/parameters', { query: { notebook }, signal }),
    values: (id, signal) => request(`jobs/jobs/${pathOf(id)}/parameters`, { signal }),
    backends: signal => request('jobs/backends', { signal }),
    executed: path => request('jobs/executed', { query: { path } }),
    executedSince: (path, since, signal) =>
      request('jobs/executed', { query: { path, since }, signal })
  };
}
