import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IFeature, IPage, IView, IViewDetail } from '../types';

/** What views and features there are. */
export interface IViewsClient {
  views: (options?: IPaging & { query?: string }, signal?: AbortSignal) => Promise<IPage<IView>>;
  show: (view: string, signal?: AbortSignal) => Promise<IViewDetail>;
  features: (
    options?: IPaging & { view?: string; query?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IFeature>>;
}

export const viewsClient = (request: Request): IViewsClient => ({
  views: (options = {}, signal) => request('features/views', { query: { ...options }, signal }),
  show: (view, signal) => request(`features/views/${pathOf(view)}`, { signal }),
  features: (options = {}, signal) =>
    request('features/features', { query: { ...options }, signal })
});
