import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAggregate, IGridFilter, IGridQuery, IShape } from '../../api/types';
import { cell, isolated } from '../../format';

export const PLAIN: IGridQuery = { filters: [], sort: [], group: null };
/** Whether the rows are those of the dataset as they are. */
export const isPlain = ({ filters, sort, group }: IGridQuery): boolean =>
  !filters.length && !sort.length && !group;

export type Operator = IGridFilter['op'];
export type Function = IAggregate['function'];

export const FUNCTIONS: readonly Function[] = ['sum', 'mean', 'min', 'max', 'distinct'];

/** Operators that need no value, and those that need several. */
export const BARE: readonly Operator[] = ['null', 'not null'];
export const MANY: readonly Operator[] = ['in', 'between'];
const RANGES: readonly Operator[] = ['in', 'between', '>=', '<', '='];

const isText = (type: string): boolean => /^(str|cat|enum|uuid)/.test(type);
/** Whether values of this type have an order: only these are sorted, grouped and compared. */
export const isOrdered = (type: string): boolean => !/^(list|array|map|struct|object)/.test(type);

const isNested = (type: string): boolean => /^(list|map|struct|bin|object|dur)/.test(type);

/** The operators that fit a column, the most usual one first. */
export function operatorsOf(type: string): readonly Operator[] {
  if (isNested(type)) {
    return BARE;
  }
  if (isText(type)) {
    return ['contains', '=', '!=', 'in', 'starts', ...BARE];
  }
  if (type === 'bool') {
    return ['=', '!=', ...BARE];
  }
  return ['>=', '>', '<=', '<', '=', '!=', 'between', 'in', ...BARE];
}

/** Whether a part of the values can be chosen from the bars of their shape. */
export const isBrushed = (type: string): boolean => !isNested(type);

/** How an operator is called. */
export const operatorWord = (op: Operator, trans: TranslationBundle): string =>
  ({
    '=': '=',
    '!=': '≠',
    '<': '<',
    '<=': '≤',
    '>': '>',
    '>=': '≥',
    in: trans.__('is one of'),
    between: trans.__('is between'),
    contains: trans.__('contains'),
    starts: trans.__('starts with'),
    null: trans.__('is missing'),
    'not null': trans.__('is there')
  })[op];

/** A filter in words. */
export function filterWords({ column, op, value }: IGridFilter, trans: TranslationBundle): string {
  const values = (Array.isArray(value) ? (value as unknown[]) : [value]).map(one =>
    isolated(cell(one))
  );
  const shown = values.join(op === 'between' ? ' – ' : ', ');
  return [isolated(column), operatorWord(op, trans), BARE.includes(op) ? '' : shown]
    .join(' ')
    .trim();
}

/** The query with one more filter. */
export const withFilter = (query: IGridQuery, filter: IGridFilter): IGridQuery => ({
  ...query,
  filters: [...query.filters, filter]
});

export const without = (query: IGridQuery, filter: IGridFilter): IGridQuery => ({
  ...query,
  filters: query.filters.filter(one => one !== filter)
});

/** Sorted by one column; what was sorted by before follows where `also` holds. */
export function sortedBy(
  query: IGridQuery,
  column: string,
  descending: boolean | null,
  also = false
): IGridQuery {
  const others = also ? query.sort.filter(one => one.column !== column) : [];
  return { ...query, sort: descending === null ? others : [{ column, descending }, ...others] };
}

/** How the rows are sorted by a column: null if they are not. */
export const orderOf = ({ sort }: IGridQuery, column: string): boolean | null =>
  sort.find(one => one.column === column)?.descending ?? null;

/** The name of a column with the signs of what is done with it. */
export function heading(query: IGridQuery, name: string): string {
  const order = orderOf(query, name);
  const marks = [
    order !== null && (order ? '▼' : '▲'),
    !query.group && query.filters.some(({ column }) => column === name) && '◆'
  ].filter(Boolean);
  return [name, ...marks].join(' ');
}

/** Another group: its answer has other columns, by which nothing is sorted yet. */
export const grouped = (query: IGridQuery, group: IGridQuery['group']): IGridQuery => ({
  ...query,
  sort: [],
  group
});

/** The rows of the bars from one to another, in place of what was chosen of the column before. */
export function brushed(
  query: IGridQuery,
  column: string,
  { kind, bars }: IShape,
  [one, other]: readonly [number, number]
): IGridQuery {
  const chosen = bars.slice(Math.min(one, other), Math.max(one, other) + 1);
  const [first, last] = [chosen[0], chosen[chosen.length - 1]];
  const kept = query.filters.filter(item => item.column !== column || !RANGES.includes(item.op));
  if (!first || !last) {
    return { ...query, filters: kept };
  }
  const words = kind === 'words' || typeof first.low === 'boolean';
  const found: IGridFilter[] = words
    ? [{ column, op: 'in', value: chosen.map(({ low }) => low) }]
    : kind === 'values'
      ? [{ column, op: 'between', value: [first.low, last.high] }]
      : [
          { column, op: '>=', value: first.low },
          { column, op: '<', value: last.high }
        ];
  return { ...query, filters: [...kept, ...found] };
}

/** What a user has typed for a value; the server reads it by the type of the column. */
export const typed = (text: string, op: Operator): unknown =>
  BARE.includes(op)
    ? null
    : op === 'in'
      ? text
          .split(',')
          .map(part => part.trim())
          .filter(Boolean)
      : text;
