import React from 'react';

import { State } from '../components/state';
import type { IColumnSpec } from '../components/table';
import * as format from '../format';

/** A row of a table that Python has written: texts by the names of columns. */
export type Words = Readonly<Record<string, string>>;

/** A row with its place in the list. */
export interface IShown {
  index: number;
  values: Words;
}

export const shownRows = (rows: readonly Words[]): IShown[] =>
  rows.map((values, index) => ({ index, values }));

/**
 * A number, in which commas can only stand between thousands: no part of it can be read in two
 * ways.
 */
const NUMBER = String.raw`[−-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?`;
const STATES = ['state', 'status'];

/**
 * What units stand for, so that `5 MB` is more than `700 kB` and `1 h 5 min` more than `59.0 s`.
 */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  '%': 1,
  ms: 0.001,
  s: 1,
  min: 60,
  h: 3_600,
  d: 86_400,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12
};
const UNIT = '%|ms|s|min|h|d|[kMGT]?B';
/** `12`, `5.4 MB`, `4 min 05 s`. */
const AMOUNT = new RegExp(
  `^[≈~]?\\s*(${NUMBER})(?:\\s?(${UNIT})(?:\\s+(${NUMBER})\\s?(${UNIT}))?)?(?:\\s+est\\.)?$`
);

/**
 * Numbers and amounts stand at the right, as in every table; a column of dashes alone is none of
 * them.
 */
export function isNumeric(column: readonly (string | undefined)[]): boolean {
  const filled = column.filter(text => text !== undefined && text !== format.DASH);
  return filled.length > 0 && filled.every(text => AMOUNT.test(text ?? ''));
}

const amount = (number: string, unit: string): number =>
  Number(number.replace(/,/g, '').replace('−', '-')) * (UNITS[unit] ?? Number.NaN);

/** What a text is sorted by: the amount that it says, nothing for a dash, else the text. */
export function sortable(text: string | undefined): number | string | null {
  if (text === undefined || text === format.DASH) {
    return null;
  }
  const found = AMOUNT.exec(text);
  if (!found) {
    return text;
  }
  const [, number = '', unit = '', rest = '0', small = ''] = found;
  return amount(number, unit) + amount(rest, small);
}

function Cell({ name, text = format.DASH }: { name: string; text?: string }): React.ReactElement {
  if (!STATES.includes(name) || text === format.DASH) {
    return <>{text}</>;
  }
  const [state = '', ...progress] = text.split(' ');
  return (
    <>
      <State state={state} /> {progress.join(' ')}
    </>
  );
}

/** A text of more letters takes several lines. */
const LONG = 60;

/** The columns of such rows. */
export const rowColumns = (rows: readonly IShown[]): IColumnSpec<IShown>[] =>
  Object.keys(rows[0]?.values ?? {}).map(key => ({
    key,
    head: key,
    end: isNumeric(rows.map(({ values }) => values[key])),
    wrap: rows.some(({ values }) => (values[key]?.length ?? 0) > LONG),
    cell: row => <Cell name={key} text={row.values[key]} />,
    sort: row => sortable(row.values[key])
  }));
