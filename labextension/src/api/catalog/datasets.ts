import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IDataset, IDatasetDetail, IEdge, IPage, IProfile, IRowBlock, Tier } from '../types';

export const ROOT = 'catalog/datasets';

/** What datasets there are, and what is in them. */
export interface IDatasetsClient {
  list: (
    options?: IPaging & { namespace?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IDataset>>;
  show: (name: string, signal?: AbortSignal) => Promise<IDatasetDetail>;
  rows: (
    name: string,
    options: { start: number; count: number; snapshot?: string | null },
    signal?: AbortSignal
  ) => Promise<IRowBlock>;
  /** reveal: with the values of masked columns. */
  profile: (
    name: string,
    options: { tier: Tier; reveal?: boolean },
    signal?: AbortSignal
  ) => Promise<IProfile>;
  /** The near edges of each way; `total` counts all. column: of this one alone, if it is named. */
  lineage: (name: string, column?: string, signal?: AbortSignal) => Promise<IPage<IEdge>>;
}

export const datasetsClient = (request: Request): IDatasetsClient => ({
  list: (options = {}, signal) => request(ROOT, { query: { ...options }, signal }),
  show: (name, signal) => request(`${ROOT}/${pathOf(name)}`, { signal }),
  rows: (name, options, signal) =>
    request(`${ROOT}/${pathOf(name)}/rows`, { query: { ...options }, signal }),
  profile: (name, options, signal) =>
    request(`${ROOT}/${pathOf(name)}/profile`, { query: { ...options }, signal }),
  lineage: (name, column, signal) =>
    request(`${ROOT}/${pathOf(name)}/lineage`, {
      query: { column: column === '' ? undefined : column },
      signal
    })
});
