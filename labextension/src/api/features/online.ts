import { pathOf, type Request } from '../request';
import type { IJob, IOnlineRow } from '../types';

/** start, end: event times. every: length of a part, such as `1d`. full: what is online, too. */
export interface IRange {
  start?: string;
  end?: string;
  every?: string;
  full?: boolean;
}

/** The newest values, for requests. */
export interface IOnlineClient {
  /** Write the newest values to the online store, as a job; a range in parts, if one is given. */
  materialize: (view: string, range?: IRange) => Promise<IJob>;
  /** Compare the online values with the source, as a job that fails if they differ. */
  check: (view: string) => Promise<IJob>;
  /** features: `view:feature` or `view:*`. entities: one mapping of join keys for each row. */
  online: (
    features: readonly string[],
    entities: readonly Readonly<Record<string, unknown>>[],
    signal?: AbortSignal
  ) => Promise<readonly IOnlineRow[]>;
}

export const onlineClient = (request: Request): IOnlineClient => ({
  materialize: (view, range) =>
    request(`features/views/${pathOf(view)}/materialize`, { body: { ...range } }),
  check: view => request(`features/views/${pathOf(view)}/check`, { body: {} }),
  online: (features, entities, signal) =>
    request('features/online', { body: { features, entities }, signal })
});
