import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IDatasetDetail, IDiff, IPage, IRestored, ISnapshot } from '../types';
import { ROOT } from './datasets';

/** Names of a snapshot to add and to remove. */
export interface ITags {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** What a dataset was. */
export interface ITimeClient {
  snapshots: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISnapshot>>;
  /** key: names of columns separated by commas, which tell which row is which. */
  diff: (
    name: string,
    between: { before: string; after: string; key: string },
    signal?: AbortSignal
  ) => Promise<IDiff>;
  /** Bring the rows of an earlier snapshot back, as a new one. */
  restoreSnapshot: (name: string, snapshot: string) => Promise<IRestored>;
  tagSnapshot: (name: string, snapshot: string, tags: ITags) => Promise<IDatasetDetail>;
}

export const timeClient = (request: Request): ITimeClient => ({
  snapshots: (name, options = {}, signal) =>
    request(`${ROOT}/${pathOf(name)}/snapshots`, { query: { ...options }, signal }),
  diff: (name, between, signal) =>
    request(`${ROOT}/${pathOf(name)}/diff`, { query: { ...between }, signal }),
  restoreSnapshot: (name, snapshot) =>
    request(`${ROOT}/${pathOf(name)}/restore`, { body: { snapshot } }),
  tagSnapshot: (name, snapshot, tags) =>
    request(`${ROOT}/${pathOf(name)}/refs`, { body: { snapshot, ...tags } })
});
