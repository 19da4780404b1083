import type { IListRow } from '../components/list';
import {
  type IDetail,
  type IDetailsOptions,
  type IUnfolded,
  unfolded,
  useDetails
} from './details';
import { useMemorySet } from './memory';

/** Rows that unfold. */
export interface ITree<T> {
  readonly open: ReadonlySet<string>;
  /** Fold a row, or unfold it. */
  readonly toggle: (id: string) => void;
  /** The children of the rows that are or were unfolded, by their names. */
  readonly under: ReadonlyMap<string, IDetail<T>>;
}

/**
 * Rows of a list that unfold. name: under which it is kept which are open; fetch: asks for what
 * belongs under one of them.
 */
export function useTree<T>(
  name: string,
  items: readonly Omit<IUnfolded, 'version'>[],
  fetch: (name: string) => Promise<T>,
  options: IDetailsOptions<T>
): ITree<T> {
  const [open, toggle] = useMemorySet(name);
  return { open, toggle, under: useDetails(unfolded(items, open), fetch, options) };
}

/** A row with what is under it while it is unfolded. reading: the text until that is there. */
export function branch<T>(
  row: IListRow,
  { open, under }: ITree<T>,
  name: string,
  reading: string,
  inside: (data: T) => readonly IListRow[]
): IListRow[] {
  const shown = open.has(row.id);
  const head = { ...row, open: shown };
  if (!shown) {
    return [head];
  }
  const { data, error } = under.get(name) ?? {};
  const place = { id: `${row.id}?`, level: (row.level ?? 0) + 1 };
  if (data !== undefined) {
    return [head, ...inside(data)];
  }
  return error
    ? [head, { ...place, name: error.what, title: error.message, lines: error.fix }]
    : [head, { ...place, name: reading }];
}
