import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { IFeature, IJob, IOnlineRow, IPage, IView, IViewDetail } from './types';

/** Feature views and online values. */
export interface IFeaturesClient {
  views: (options?: IPaging & { query?: string }, signal?: AbortSignal) => Promise<IPage<IView>>;
  show: (view: string, signal?: AbortSignal) => Promise<IViewDetail>;
  features: (
    options?: IPaging & { view?: string; query?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IFeature>>;
  /** Write the newest values to the online store, as a job. */
  materialize: (view: string) => Promise<IJob>;
  /** features: `view:feature` or `view:*`. entities: one mapping of join keys for each row. */
  online: (
    features: readonly string[],
    entities: readonly Readonly<Record<string, unknown>>[]
  ) => Promise<readonly IOnlineRow[]>;
}

export function featuresClient(request: Request): IFeaturesClient {
  return {
    views: (options = {}, signal) => request('features/views', { query: { ...options }, signal }),
    show: (view, signal) => request(`features/views/${pathOf(view)}`, { signal }),
    features: (options = {}, signal) =>
      request('features/features', { query: { ...options }, signal }),
    materialize: view => request(`features/views/${pathOf(view)}/materialize`, { body: {} }),
    online: (features, entities) => request('features/online', { body: { features, entities } })
  };
}
