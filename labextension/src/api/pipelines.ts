import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { IPage, IPipeline, IPipelineDetail, IPipelineRun } from './types';

/** Pipelines of notebooks and their runs. */
export interface IPipelinesClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IPipeline>>;
  show: (name: string, signal?: AbortSignal) => Promise<IPipelineDetail>;
  runs: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IPipelineRun>>;
  run: (
    name: string,
    options?: { parameters?: Readonly<Record<string, unknown>>; force?: boolean }
  ) => Promise<IPipelineRun>;
  /** End a run: its running step is cancelled, the others are not begun. */
  cancel: (run: string) => Promise<IPipelineRun>;
}

export function pipelinesClient(request: Request): IPipelinesClient {
  return {
    list: (options = {}, signal) => request('pipelines/pipelines', { query: { ...options }, signal }),
    show: (name, signal) => request(`pipelines/pipelines/${pathOf(name)}`, { signal }),
    runs: (name, options = {}, signal) =>
      request(`pipelines/pipelines/${pathOf(name)}/runs`, { query: { ...options }, signal }),
    run: (name, options = {}) => request(`pipelines/pipelines/${pathOf(name)}/runs`, { body: options }),
    cancel: run => request(`pipelines/runs/${pathOf(run)}/cancel`, { body: {} })
  };
}
