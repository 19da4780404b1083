import { useState } from 'react';

import type { IPage } from '../api/types';
import { type IQuery, type IQueryOptions, useQuery } from './query';

/** Rows that a list grows by. */
export const PAGE = 50;
/** The longest page that the server gives. */
export const MOST = 500;

export interface IPaged<P> {
  query: IQuery<P>;
  /** Ask for the next rows too; undefined once the list is as long as the server gives it. */
  onMore: (() => void) | undefined;
}

/**
 * A list of the server that begins with 50 rows and grows on demand. name: what is listed; another
 * name begins anew.
 */
export function useList<P extends IPage<unknown>>(
  name: string,
  fetch: (limit: number, signal: AbortSignal) => Promise<P>,
  options: IQueryOptions<P> = {}
): IPaged<P> {
  const [grown, grow] = useState({ name, limit: PAGE });
  const limit = grown.name === name ? grown.limit : PAGE;
  const query = useQuery(`${name}:${limit}`, signal => fetch(limit, signal), {
    list: name,
    ...options
  });
  return {
    query,
    onMore: limit < MOST ? () => grow({ name, limit: Math.min(MOST, limit + PAGE) }) : undefined
  };
}
