import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { IDataset, IDatasetDetail, IEdge, IJob, IPage, IProfile, IRowBlock, ISnapshot, Tier } from './types';

const ROOT = 'catalog/datasets';

/** Datasets, as the panels ask for them. */
export interface ICatalogClient {
  list: (options?: IPaging & { namespace?: string }, signal?: AbortSignal) => Promise<IPage<IDataset>>;
  show: (name: string, signal?: AbortSignal) => Promise<IDatasetDetail>;
  rows: (
    name: string,
    options: { start: number; count: number; snapshot?: string | null },
    signal?: AbortSignal
  ) => Promise<IRowBlock>;
  profile: (name: string, tier: Tier, signal?: AbortSignal) => Promise<IProfile>;
  snapshots: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISnapshot>>;
  /** Read files of the project into a dataset: one commit, or nothing. */
  ingest: (files: readonly string[], into: string) => Promise<IJob>;
  /** The near edges of each way; `total` counts all. */
  lineage: (name: string, signal?: AbortSignal) => Promise<IPage<IEdge>>;
}

export function catalogClient(request: Request): ICatalogClient {
  return {
    list: (options = {}, signal) => request(ROOT, { query: { ...options }, signal }),
    show: (name, signal) => request(`${ROOT}/${pathOf(name)}`, { signal }),
    rows: (name, options, signal) => request(`${ROOT}/${pathOf(name)}/rows`, { query: { ...options }, signal }),
    profile: (name, tier, signal) => request(`${ROOT}/${pathOf(name)}/profile`, { query: { tier }, signal }),
    snapshots: (name, options = {}, signal) =>
      request(`${ROOT}/${pathOf(name)}/snapshots`, { query: { ...options }, signal }),
    ingest: (files, into) => request('catalog/ingest', { body: { files, into } }),
    lineage: (name, signal) => request(`${ROOT}/${pathOf(name)}/lineage`, { signal })
  };
}
