import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IFeature, IJob, IPage, IService, IServiceDetail, IView, IViewDetail } from '../types';

/** What views and features there are. */
export interface IViewsClient {
  views: (options?: IPaging & { query?: string }, signal?: AbortSignal) => Promise<IPage<IView>>;
  show: (view: string, signal?: AbortSignal) => Promise<IViewDetail>;
  features: (
    options?: IPaging & { view?: string; query?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IFeature>>;
  services: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IService>>;
  service: (name: string, signal?: AbortSignal) => Promise<IServiceDetail>;
  /** Write Feast definitions as a file of that name and apply them, as a job. */
  define: (name: string, text: string) => Promise<IJob>;
}

export const viewsClient = (request: Request): IViewsClient => ({
  views: (options = {}, signal) => request('features/views', { query: { ...options }, signal }),
  show: (view, signal) => request(`features/views/${pathOf(view)}`, { signal }),
  features: (options = {}, signal) =>
    request('features/features', { query: { ...options }, signal }),
  services: (options = {}, signal) =>
    request('features/services', { query: { ...options }, signal }),
  service: (name, signal) => request(`features/services/${pathOf(name)}`, { signal }),
  define: (name, text) => request('features/define', { body: { name, text } })
});
