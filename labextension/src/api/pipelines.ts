import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IBackfill,
  IDraft,
  IEdited,
  IExplanation,
  IPage,
  IPipeline,
  IPipelineDetail,
  IPipelineRun,
  IProposal,
  IRunOptions
} from './types';

export interface IBackfillOptions {
  /** Dates, both included. */
  first: string;
  last: string;
  every: 'day' | 'week' | 'month';
  /** Only count. */
  dry_run: boolean;
}

/** Pipelines of notebooks and their runs. */
export interface IPipelinesClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IPipeline>>;
  show: (name: string, signal?: AbortSignal) => Promise<IPipelineDetail>;
  runs: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IPipelineRun>>;
  run: (name: string, options?: IRunOptions) => Promise<IPipelineRun>;
  /** One run, with the full reason why each step ran. */
  showRun: (run: string, signal?: AbortSignal) => Promise<IPipelineRun>;
  /** End a run: its running step is cancelled, the others are not started. */
  cancel: (run: string) => Promise<IPipelineRun>;
  /** Run what failed in a run, and what hangs on it. */
  repair: (run: string) => Promise<IPipelineRun>;
  /** One run a date; with `dry_run` only the count of what there is to do. */
  backfill: (name: string, options: IBackfillOptions) => Promise<IBackfill>;
  /** Why a step would run again now. */
  explain: (name: string, step: string, signal?: AbortSignal) => Promise<IExplanation>;
  /** What the text of a file says before it is saved; `path` below the project. */
  draft: (path: string, text: string, signal?: AbortSignal) => Promise<IDraft>;
  /**
   * The text with another value at some keys; without `value` they are taken out. fresh: by a name
   * that is free.
   */
  edit: (
    text: string,
    at: readonly string[],
    value?: unknown,
    fresh?: boolean
  ) => Promise<Omit<IEdited, 'fault'>>;
  /** The text with other parameters of a step, as YAML says them: `k: 5`. */
  editParameters: (
    text: string,
    at: readonly string[],
    parameters: string,
    signal?: AbortSignal
  ) => Promise<IEdited>;
  rename: (text: string, step: string, name: string) => Promise<IEdited>;
  /** A first file for some notebooks. */
  propose: (notebooks: readonly string[]) => Promise<IProposal>;
}

export function pipelinesClient(request: Request): IPipelinesClient {
  return {
    list: (options = {}, signal) =>
      request('pipelines/pipelines', { query: { ...options }, signal }),
    show: (name, signal) => request(`pipelines/pipelines/${pathOf(name)}`, { signal }),
    runs: (name, options = {}, signal) =>
      request(`pipelines/pipelines/${pathOf(name)}/runs`, { query: { ...options }, signal }),
    run: (name, options = {}) =>
      request(`pipelines/pipelines/${pathOf(name)}/runs`, { body: options }),
    showRun: (run, signal) => request(`pipelines/runs/${pathOf(run)}`, { signal }),
    cancel: run => request(`pipelines/runs/${pathOf(run)}/cancel`, { body: {} }),
    repair: run => request(`pipelines/runs/${pathOf(run)}/repair`, { body: {} }),
    backfill: (name, options) =>
      request(`pipelines/pipelines/${pathOf(name)}/backfill`, { body: options }),
    explain: (name, step, signal) =>
      request(`pipelines/pipelines/${pathOf(name)}/steps/${pathOf(step)}/explain`, { signal }),
    draft: (path, text, signal) => request('pipelines/draft', { body: { path, text }, signal }),
    edit: (text, at, value = null, fresh = false) =>
      request('pipelines/edit', { body: { text, at, value, new: fresh } }),
    editParameters: (text, at, parameters, signal) =>
      request('pipelines/edit', { body: { text, at, parameters }, signal }),
    rename: (text, step, name) =>
      request('pipelines/edit', { body: { text, at: ['steps', step], rename: name } }),
    propose: notebooks => request('pipelines/propose', { body: { notebooks } })
  };
}
