import { pathOf, type Request } from '../request';
import type { IColumnProfile, IGridBlock, IGridQuery } from '../types';
import { ROOT } from './datasets';

export interface IBlockOptions {
  readonly start: number;
  readonly count: number;
  readonly snapshot?: string | null;
  /** With the values of masked columns. */
  readonly reveal?: boolean;
}

/** Rows that are filtered, sorted and grouped. */
export interface IGridClient {
  grid: (
    name: string,
    query: IGridQuery,
    options: IBlockOptions,
    signal?: AbortSignal
  ) => Promise<IGridBlock>;
  /** The values of a column in the rows that the filters of the other columns leave. */
  gridShape: (
    name: string,
    query: IGridQuery,
    options: { column: string; snapshot?: string | null; reveal?: boolean },
    signal?: AbortSignal
  ) => Promise<IColumnProfile>;
}

export const gridClient = (request: Request): IGridClient => ({
  grid: (name, { filters, sort, group }, options, signal) =>
    request(`${ROOT}/${pathOf(name)}/grid`, {
      body: { filters, sort, ...group, ...options },
      signal
    }),
  gridShape: (name, { filters }, options, signal) =>
    request(`${ROOT}/${pathOf(name)}/shape`, { body: { filters, ...options }, signal })
});
