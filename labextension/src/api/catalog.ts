import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IDataset,
  IDatasetDetail,
  IEdge,
  IIngest,
  IInspection,
  IJob,
  IPage,
  IProfile,
  IRowBlock,
  ISnapshot,
  Tier
} from './types';

const ROOT = 'catalog/datasets';

/** Datasets, as the panels ask for them. */
export interface ICatalogClient {
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
  profile: (name: string, tier: Tier, signal?: AbortSignal) => Promise<IProfile>;
  snapshots: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISnapshot>>;
  /** What an ingest of files of the project would read; nothing is written. */
  inspect: (asked: IIngest, signal?: AbortSignal) => Promise<IInspection>;
  /** Read files of the project into a dataset: one commit, or nothing. */
  ingest: (asked: IIngest) => Promise<IJob>;
  /** The near edges of each way; `total` counts all. */
  lineage: (name: string, signal?: AbortSignal) => Promise<IPage<IEdge>>;
}

export function catalogClient(request: Request): ICatalogClient {
  return {
    list: (options = {}, signal) => request(ROOT, { query: { ...options }, signal }),
    show: (name, signal) => request(`${ROOT}/${pathOf(name)}`, { signal }),
    rows: (name, options, signal) =>
      request(`${ROOT}/${pathOf(name)}/rows`, { query: { ...options }, signal }),
    profile: (name, tier, signal) =>
      request(`${ROOT}/${pathOf(name)}/profile`, { query: { tier }, signal }),
    snapshots: (name, options = {}, signal) =>
      request(`${ROOT}/${pathOf(name)}/snapshots`, { query: { ...options }, signal }),
    inspect: (asked, signal) => request('catalog/inspect', { body: { ...asked }, signal }),
    ingest: asked => request('catalog/ingest', { body: { ...asked } }),
    lineage: (name, signal) => request(`${ROOT}/${pathOf(name)}/lineage`, { signal })
  };
}
