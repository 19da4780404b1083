import { pathOf, type Request } from '../request';
import type { IJob, IOnlineRow } from '../types';

/** The newest values, for requests. */
export interface IOnlineClient {
  /** Write the newest values to the online store, as a job. */
  materialize: (view: string) => Promise<IJob>;
  /** features: `view:feature` or `view:*`. entities: one mapping of join keys for each row. */
  online: (
    features: readonly string[],
    entities: readonly Readonly<Record<string, unknown>>[]
  ) => Promise<readonly IOnlineRow[]>;
}

export const onlineClient = (request: Request): IOnlineClient => ({
  materialize: view => request(`features/views/${pathOf(view)}/materialize`, { body: {} }),
  online: (features, entities) => request('features/online', { body: { features, entities } })
});
