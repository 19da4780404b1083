import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IComparison,
  ICurve,
  IExperiment,
  IModel,
  IModelCard,
  IModelDetail,
  IPage,
  IRun,
  IVersion
} from './types';

export interface IRunQuery extends IPaging {
  experiment?: string;
  /** Such as `metrics.auc > 0.9`. */
  where?: string;
  /** A column, with `-` for descending: `-started`, `-metrics.auc`. */
  sort?: string;
}

/** Experiments, runs, models and versions. */
export interface IExperimentsClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IExperiment>>;
  runs: (options: IRunQuery, signal?: AbortSignal) => Promise<IPage<IRun>>;
  run: (id: string, signal?: AbortSignal) => Promise<IRun>;
  /** One metric over its steps. */
  curve: (id: string, metric: string, signal?: AbortSignal) => Promise<ICurve>;
  compare: (ids: readonly string[], signal?: AbortSignal) => Promise<IComparison>;
  models: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IModel>>;
  model: (name: string, signal?: AbortSignal) => Promise<IModelDetail>;
  /** All that is known of a version. */
  card: (model: string, version: number, signal?: AbortSignal) => Promise<IModelCard>;
  /** Make the model that a run logged the next version of `model`. */
  register: (model: string, run: string) => Promise<IVersion>;
  /** Point an alias at a version; the version that had it before is kept under `rollback`. */
  promote: (model: string, version: number, alias: string) => Promise<IVersion>;
  /** Take a version out of the registry; refused while an alias or a deployment has it. */
  remove: (model: string, version: number) => Promise<IVersion>;
}

export function experimentsClient(request: Request): IExperimentsClient {
  return {
    list: (options = {}, signal) =>
      request('experiments/experiments', { query: { ...options }, signal }),
    runs: (options, signal) => request('experiments/runs', { query: { ...options }, signal }),
    run: (id, signal) => request(`experiments/runs/${pathOf(id)}`, { signal }),
    curve: (id, metric, signal) =>
      request(`experiments/runs/${pathOf(id)}/curve`, { query: { metric }, signal }),
    compare: (ids, signal) =>
      request('experiments/compare', { query: { ids: ids.join(',') }, signal }),
    models: (options = {}, signal) =>
      request('experiments/models', { query: { ...options }, signal }),
    model: (name, signal) => request(`experiments/models/${pathOf(name)}`, { signal }),
    card: (model, version, signal) =>
      request(`experiments/versions/${pathOf(model, String(version))}/card`, { signal }),
    register: (model, run) =>
      request(`experiments/models/${pathOf(model)}/versions`, { body: { run } }),
    promote: (model, version, alias) =>
      request(`experiments/versions/${pathOf(model, version)}/promote`, { body: { alias } }),
    remove: (model, version) =>
      request(`experiments/versions/${pathOf(model, version)}/delete`, { body: {} })
  };
}
