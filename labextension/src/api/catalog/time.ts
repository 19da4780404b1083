import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IPage, ISnapshot } from '../types';
import { ROOT } from './datasets';

/** What a dataset was. */
export interface ITimeClient {
  snapshots: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISnapshot>>;
}

export const timeClient = (request: Request): ITimeClient => ({
  snapshots: (name, options = {}, signal) =>
    request(`${ROOT}/${pathOf(name)}/snapshots`, { query: { ...options }, signal })
});
