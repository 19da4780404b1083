import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { ICare, ICarePlan, IDeleted, IJob, IPage, ITrashed } from '../types';
import { ROOT } from './datasets';

/** Where datasets are kept, and what becomes of those that are not needed any more. */
export interface ICareClient {
  care: (name: string, signal?: AbortSignal) => Promise<ICare>;
  move: (name: string, tier: string) => Promise<IJob>;
  /** What a compaction would do. */
  compaction: (name: string, signal?: AbortSignal) => Promise<ICarePlan>;
  compact: (name: string) => Promise<IJob>;
  /** The files that no snapshot has. */
  orphans: (name: string, signal?: AbortSignal) => Promise<ICarePlan>;
  /** Delete them. */
  clean: (name: string) => Promise<IJob>;
  /** Into the trash. */
  remove: (name: string) => Promise<IDeleted>;
  trash: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<ITrashed>>;
  restore: (trashed: number) => Promise<ITrashed>;
}

export const careClient = (request: Request): ICareClient => ({
  care: (name, signal) => request(`${ROOT}/${pathOf(name)}/care`, { signal }),
  move: (name, tier) => request(`${ROOT}/${pathOf(name)}/move`, { body: { tier } }),
  compaction: (name, signal) => request(`${ROOT}/${pathOf(name)}/compact`, { signal }),
  compact: name => request(`${ROOT}/${pathOf(name)}/compact`, { body: {} }),
  orphans: (name, signal) => request(`${ROOT}/${pathOf(name)}/clean`, { signal }),
  clean: name => request(`${ROOT}/${pathOf(name)}/clean`, { body: {} }),
  remove: name => request(`${ROOT}/${pathOf(name)}/delete`, { body: {} }),
  trash: (options = {}, signal) => request('catalog/trash', { query: { ...options }, signal }),
  restore: trashed => request(`catalog/trash/${trashed}/restore`, { body: {} })
});
