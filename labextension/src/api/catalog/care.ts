import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { ICare, ICarePlan, IDeleted, IJob, IPage, ITrashed, IVerified } from '../types';
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
  /** Of all datasets. */
  cleanAll: () => Promise<IJob>;
  orphansOfAll: () => Promise<IPage<ICarePlan>>;
  /** What was found when its files were last verified, and which are set aside. */
  verified: (name: string, signal?: AbortSignal) => Promise<IVerified>;
  /** Compare all files; set damaged ones aside, or put back what is whole again. */
  verify: (name: string, what: 'look' | 'quarantine' | 'put-back') => Promise<IJob>;
  /** Into the trash. */
  remove: (name: string) => Promise<IDeleted>;
  trash: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<ITrashed>>;
  restore: (trashed: number) => Promise<ITrashed>;
  /** Delete the files of a deleted dataset. */
  purge: (trashed: number) => Promise<IJob>;
}

export const careClient = (request: Request): ICareClient => ({
  care: (name, signal) => request(`${ROOT}/${pathOf(name)}/care`, { signal }),
  move: (name, tier) => request(`${ROOT}/${pathOf(name)}/move`, { body: { tier } }),
  compaction: (name, signal) => request(`${ROOT}/${pathOf(name)}/compact`, { signal }),
  compact: name => request(`${ROOT}/${pathOf(name)}/compact`, { body: {} }),
  orphans: (name, signal) => request(`${ROOT}/${pathOf(name)}/clean`, { signal }),
  clean: name => request(`${ROOT}/${pathOf(name)}/clean`, { body: {} }),
  cleanAll: () => request('catalog/clean', { body: {} }),
  orphansOfAll: () => request('catalog/clean'),
  verified: (name, signal) => request(`${ROOT}/${pathOf(name)}/verify`, { signal }),
  verify: (name, what) => request(`${ROOT}/${pathOf(name)}/verify`, { body: { what } }),
  remove: name => request(`${ROOT}/${pathOf(name)}/delete`, { body: {} }),
  trash: (options = {}, signal) => request('catalog/trash', { query: { ...options }, signal }),
  restore: trashed => request(`catalog/trash/${trashed}/restore`, { body: {} }),
  purge: trashed => request(`catalog/trash/${trashed}/purge`, { body: {} })
});
