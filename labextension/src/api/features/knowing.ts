import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type {
  IEdge,
  IExplained,
  IJob,
  IPage,
  IUse,
  IViewComparison,
  IViewStatistics
} from '../types';

/** Which row a join takes. entity: its keys, as text. at: ISO 8601; now, if it is left out. */
export interface IQuestion {
  entity: Readonly<Record<string, string>>;
  at?: string;
  /** Rows count only once they are written. */
  known_only?: boolean;
  /** Rows that are shown. */
  limit?: number;
  /** With the values of masked features. */
  reveal?: boolean;
}

/** entities: a dataset with keys and times; at: its column of times. */
export interface ITrainingSet {
  name: string;
  features: readonly string[];
  entities: string;
  at: string;
}

/** What is known of a view, and training sets that are stored. */
export interface IKnowingClient {
  explain: (view: string, question: IQuestion) => Promise<IExplained>;
  statistics: (
    view: string,
    options?: { reveal?: boolean },
    signal?: AbortSignal
  ) => Promise<IViewStatistics>;
  /** Run the code of an on-demand view on a sample of its inputs, as a job. */
  compute: (view: string) => Promise<IJob>;
  /** What the view or version `other` has other than this one. */
  compare: (view: string, other: string, signal?: AbortSignal) => Promise<IViewComparison>;
  lineage: (view: string, signal?: AbortSignal) => Promise<IPage<IEdge>>;
  /** What was made from its features, champions first. */
  uses: (view: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IUse>>;
  /** Store a training set as a dataset, as a job. */
  snapshot: (set: ITrainingSet) => Promise<IJob>;
}

export const knowingClient = (request: Request): IKnowingClient => ({
  explain: (view, question) =>
    request(`features/views/${pathOf(view)}/explain`, { body: { ...question } }),
  statistics: (view, options = {}, signal) =>
    request(`features/views/${pathOf(view)}/statistics`, { query: { ...options }, signal }),
  compute: view => request(`features/views/${pathOf(view)}/statistics`, { body: {} }),
  compare: (view, other, signal) =>
    request(`features/views/${pathOf(view)}/compare`, { query: { other }, signal }),
  lineage: (view, signal) => request(`features/views/${pathOf(view)}/lineage`, { signal }),
  uses: (view, options = {}, signal) =>
    request(`features/views/${pathOf(view)}/uses`, { query: { ...options }, signal }),
  snapshot: set => request('features/snapshot', { body: { ...set } })
});
