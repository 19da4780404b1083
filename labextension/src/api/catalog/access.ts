import type { IPaging } from '../paging';
import type { Request } from '../request';
import type { IPage, IRevealed } from '../types';

/** Who saw values that are masked. */
export interface IAccessClient {
  /** Of one dataset, newest first. */
  audit: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IRevealed>>;
}

export const accessClient = (request: Request): IAccessClient => ({
  audit: (name, options = {}, signal) =>
    request('catalog/audit', { query: { name, ...options }, signal })
});
