import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type {
  IDatasetDetail,
  IDiff,
  IExpiryPlan,
  IJob,
  IPage,
  IRestored,
  ISnapshot
} from '../types';
import { ROOT } from './datasets';

/** Names of a snapshot to add and to remove. */
export interface ITags {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** Which snapshots stay in any case: the newest, and younger ones. */
export interface IExpiryTerms {
  readonly keep: number;
  /** Such as `30d`. */
  readonly older_than: string;
}

/** What a dataset was. */
export interface ITimeClient {
  snapshots: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISnapshot>>;
  /** key: names of columns separated by commas, which tell which row is which. */
  diff: (
    name: string,
    between: { before: string; after: string; key: string; reveal?: boolean },
    signal?: AbortSignal
  ) => Promise<IDiff>;
  /** Bring the rows of an earlier snapshot back, as a new one. */
  restoreSnapshot: (name: string, snapshot: string) => Promise<IRestored>;
  tagSnapshot: (name: string, snapshot: string, tags: ITags) => Promise<IDatasetDetail>;
  /** Which snapshots would expire, and what is lost with them. */
  expiry: (name: string, terms: IExpiryTerms, signal?: AbortSignal) => Promise<IExpiryPlan>;
  /** Let them go. */
  expire: (name: string, terms: IExpiryTerms) => Promise<IJob>;
}

export const timeClient = (request: Request): ITimeClient => ({
  snapshots: (name, options = {}, signal) =>
    request(`${ROOT}/${pathOf(name)}/snapshots`, { query: { ...options }, signal }),
  diff: (name, between, signal) =>
    request(`${ROOT}/${pathOf(name)}/diff`, { query: { ...between }, signal }),
  restoreSnapshot: (name, snapshot) =>
    request(`${ROOT}/${pathOf(name)}/restore`, { body: { snapshot } }),
  tagSnapshot: (name, snapshot, tags) =>
    request(`${ROOT}/${pathOf(name)}/refs`, { body: { snapshot, ...tags } }),
  expiry: (name, terms, signal) =>
    request(`${ROOT}/${pathOf(name)}/expiry`, { query: { ...terms }, signal }),
  expire: (name, terms) => request(`${ROOT}/${pathOf(name)}/expire`, { body: { ...terms } })
});
