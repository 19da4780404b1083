import React, { useMemo, useState } from 'react';

import { useWorkbench } from '../hooks/context';
import { PAGE } from '../hooks/list';
import { cx } from './cx';
import { More } from './more';
import { BasisMark, type Figure, type ISharedBasis, Num, SharedBasis, sharedBasis } from './number';
import { type IRow, type IRowsOptions, useRows } from './rows';

interface IColumn<T> {
  key: string;
  head: React.ReactNode;
  /** At the right, as numbers stand: for what holds no numbers, such as buttons and durations. */
  end?: boolean;
  /** A sentence: it takes more lines before the table grows wider than its place. */
  wrap?: boolean;
  /** Stays in sight at the right when the table is wider than its place: buttons. */
  sticky?: boolean;
  /** CSS width, so that nothing moves when data arrives. */
  width?: number | string;
  /** Where the heading itself changes the order: how the rows are sorted by it. */
  order?: 'ascending' | 'descending' | 'none';
  /** What the column is sorted by; a column without it cannot be sorted. */
  sort?: (row: T) => number | string | null;
}

interface ITextColumn<T> extends IColumn<T> {
  cell: (row: T) => React.ReactNode;
  figure?: undefined;
}

/**
 * A column of numbers: they end at the right edge, and a basis that all share is in the heading.
 */
interface IFigureColumn<T> extends IColumn<T> {
  /** Undefined leaves the cell empty: it is not known yet. */
  figure: (row: T) => Figure;
  /** How a number is written. */
  write?: (value: unknown) => string;
  /** Where more than the number is shown; it shows it with `Num`. */
  cell?: (row: T) => React.ReactNode;
}

export type IColumnSpec<T> = ITextColumn<T> | IFigureColumn<T>;

export interface ISort {
  key: string;
  descending: boolean;
}

interface ITableProps<T> extends IRowsOptions {
  label: string;
  columns: readonly IColumnSpec<T>[];
  rows: readonly T[];
  row: (item: T) => IRow;
  /** All rows that there are, when fewer are shown. */
  total?: number;
  /** Rows before the first one shown, where a page of many is shown. */
  first?: number;
  /** Where the server sorts: what is sorted by, and the call that changes it. */
  sort?: ISort | null;
  onSort?: (sort: ISort) => void;
  /** A checkbox in front of each row. */
  checks?: string;
  current?: string | null;
  /** Rows that are drawn at first, of the sorted ones; a link below draws the next ones. */
  most?: number;
  /** Columns keep their widths whatever they hold: tables below each other line up. */
  fixed?: boolean;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sorted<T>(
  rows: readonly T[],
  columns: readonly IColumnSpec<T>[],
  sort: ISort | null
): readonly T[] {
  const by = columns.find(column => column.key === sort?.key)?.sort;
  if (!by || !sort) {
    return rows;
  }
  const sign = sort.descending ? -1 : 1;
  const valueOf = (row: T): number | string | null => {
    const value = by(row);
    return Number.isNaN(value) ? null : value;
  };
  return [...rows].sort((left, right) => {
    const [a, b] = [valueOf(left), valueOf(right)];
    // What is missing, or no number, stands at the end in either order.
    return a === null || b === null
      ? Number(a === null) - Number(b === null)
      : sign * compare(a, b);
  });
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(T|$)/;

/**
 * Whether a column is first sorted downwards: numbers, of which the largest matter, and moments;
 * texts begin at A.
 */
function fallsFirst<T>(
  rows: readonly T[],
  columns: readonly IColumnSpec<T>[],
  key: string
): boolean {
  const by = columns.find(column => column.key === key)?.sort;
  const first = by && rows.map(by).find(value => value !== null && value !== '');
  return typeof first === 'number' || MOMENT.test(first ?? '');
}

/** The basis that all numbers of a column share, for each column. */
function useBases<T>(
  columns: readonly IColumnSpec<T>[],
  rows: readonly T[]
): readonly (ISharedBasis | null | undefined)[] {
  const { trans } = useWorkbench();
  return useMemo(
    () => columns.map(({ figure }) => figure && sharedBasis(rows.map(figure), trans)),
    [columns, rows, trans]
  );
}

/** The first rows and those that are asked for, and what makes them more. */
function useFirst<T>(
  rows: readonly T[],
  most: number | undefined,
  isAsked: (item: T) => boolean
): readonly [readonly T[], () => void] {
  const [grown, setGrown] = useState(0);
  const limit = (most ?? rows.length) + grown;
  const shown =
    rows.length <= limit ? rows : [...rows.slice(0, limit), ...rows.slice(limit).filter(isAsked)];
  return [shown, () => setGrown(grown + PAGE)];
}

/**
 * A table of at most a thousand rows that a screen reader can read; hairlines only, numbers right.
 */
export function Table<T>(props: ITableProps<T>): React.ReactElement {
  const {
    label,
    columns,
    rows,
    row,
    total,
    first = 0,
    checks,
    current,
    most,
    fixed,
    onSort,
    ...options
  } = props;
  const [own, setOwn] = useState<ISort | null>(null);
  const sort = props.sort === undefined ? own : props.sort;
  const all = useMemo(
    () => (onSort ? rows : sorted(rows, columns, sort)),
    [rows, columns, sort, onSort]
  );
  const [shown, grow] = useFirst(all, most, item =>
    [current, options.goal?.id].includes(row(item).id)
  );
  const keys = useMemo(() => shown.map(row), [shown, row]);
  const { container, propsOf, select, selection } = useRows(keys, options);
  const bases = useBases(columns, rows);
  const change = (key: string): void =>
    (onSort ?? setOwn)({
      key,
      descending: sort?.key === key ? !sort.descending : fallsFirst(rows, columns, key)
    });

  return (
    <>
      <table
        ref={container as React.RefObject<HTMLTableElement>}
        className={cx('table', fixed && 'is-fixed')}
        role="grid"
        aria-label={label}
        aria-rowcount={(total ?? rows.length) + 1}
      >
        <thead>
          <tr>
            {checks && (
              <th className={cx('is-check')}>
                <span className={cx('unseen')}>{checks}</span>
              </th>
            )}
            {columns.map((column, place) => (
              <Head
                key={column.key}
                column={column}
                basis={bases[place] ?? null}
                sort={sort}
                onSort={change}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((item, index) => {
            const key = keys[index];
            const id = key?.id ?? '';
            return (
              <tr
                key={id}
                className={cx(id === current && 'is-current')}
                aria-rowindex={total === undefined ? undefined : first + index + 2}
                {...propsOf(index)}
              >
                {checks && (
                  <Check label={checks} on={selection.has(id)} onChange={() => select(id)} />
                )}
                {columns.map((column, place) => (
                  <td
                    key={column.key}
                    className={cx(
                      isEnd(column) && 'is-end',
                      column.wrap && 'is-wrap',
                      column.sticky && 'is-sticky'
                    )}
                  >
                    <SharedBasis.Provider value={bases[place]?.mark ?? null}>
                      {cellOf(column, item)}
                    </SharedBasis.Provider>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      <More page={{ shown: shown.length, total: rows.length, more: false }} onMore={grow} />
    </>
  );
}

interface ICheckProps {
  label: string;
  on: boolean;
  onChange: () => void;
}

function Check({ label, on, onChange }: ICheckProps): React.ReactElement {
  return (
    <td className={cx('is-check')}>
      <input type="checkbox" tabIndex={-1} aria-label={label} checked={on} onChange={onChange} />
    </td>
  );
}

const isEnd = <T,>({ end, figure }: IColumnSpec<T>): boolean => end ?? figure !== undefined;

function cellOf<T>(column: IColumnSpec<T>, item: T): React.ReactNode {
  if (column.figure === undefined || column.cell) {
    return column.cell?.(item);
  }
  const value = column.figure(item);
  return value === undefined ? null : <Num value={value} format={column.write} />;
}

/**
 * A long name, such as that of a metric, may go on in a second line after each sign that joins its
 * words.
 */
const broken = (head: React.ReactNode): React.ReactNode =>
  typeof head !== 'string'
    ? head
    : head.split(/(?<=[_./])(?=\w)/).map((part, index) => (
        <React.Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </React.Fragment>
      ));

interface IHeadProps<T> {
  column: IColumnSpec<T>;
  basis: ISharedBasis | null;
  sort: ISort | null;
  onSort: (key: string) => void;
}

function Head<T>({ column, basis, sort, onSort }: IHeadProps<T>): React.ReactElement {
  const active = sort?.key === column.key;
  if (column.head === '') {
    return (
      <td className={cx('is-head', column.sticky && 'is-sticky')} style={{ width: column.width }} />
    );
  }
  const order = !active ? 'none' : sort.descending ? 'descending' : 'ascending';
  return (
    <th
      scope="col"
      className={cx(isEnd(column) && 'is-end')}
      style={{ width: column.width }}
      aria-sort={column.sort ? order : column.order}
    >
      {column.sort ? (
        <button
          type="button"
          className={cx('sort', active && (sort.descending ? 'is-down' : 'is-up'))}
          onClick={() => onSort(column.key)}
        >
          {broken(column.head)}
        </button>
      ) : (
        broken(column.head)
      )}
      {basis && <BasisMark {...basis} />}
    </th>
  );
}
