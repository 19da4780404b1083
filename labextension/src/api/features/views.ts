import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type {
  IEntity,
  IFeature,
  IJob,
  IPage,
  IRetagged,
  ISavedSet,
  IService,
  IServiceDetail,
  IView,
  IViewDetail
} from '../types';

/** Tags to add or replace, by name, and names of those to remove. */
export type ITagChange = Readonly<{
  add: Readonly<Record<string, string>>;
  remove: readonly string[];
}>;

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
  entities: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IEntity>>;
  entity: (name: string, signal?: AbortSignal) => Promise<IEntity>;
  /** Training sets that Feast saved. */
  savedSets: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISavedSet>>;
  savedSet: (name: string, signal?: AbortSignal) => Promise<ISavedSet>;
  /** Write Feast definitions as a file of that name and apply them, as a job. */
  define: (name: string, text: string) => Promise<IJob>;
  /** Write tags into the file that defines a view and apply it, as a job. */
  tag: (view: string, tags: ITagChange) => Promise<IJob>;
  /** What that would change in the file. */
  tagged: (view: string, tags: ITagChange) => Promise<IRetagged>;
}

export const viewsClient = (request: Request): IViewsClient => ({
  views: (options = {}, signal) => request('features/views', { query: { ...options }, signal }),
  show: (view, signal) => request(`features/views/${pathOf(view)}`, { signal }),
  features: (options = {}, signal) =>
    request('features/features', { query: { ...options }, signal }),
  services: (options = {}, signal) =>
    request('features/services', { query: { ...options }, signal }),
  service: (name, signal) => request(`features/services/${pathOf(name)}`, { signal }),
  entities: (options = {}, signal) =>
    request('features/entities', { query: { ...options }, signal }),
  entity: (name, signal) => request(`features/entities/${pathOf(name)}`, { signal }),
  savedSets: (options = {}, signal) => request('features/saved', { query: { ...options }, signal }),
  savedSet: (name, signal) => request(`features/saved/${pathOf(name)}`, { signal }),
  define: (name, text) => request('features/define', { body: { name, text } }),
  tag: (view, body) => request(`features/views/${pathOf(view)}/tags`, { body }),
  tagged: (view, body) => request(`features/views/${pathOf(view)}/tags/preview`, { body })
});
