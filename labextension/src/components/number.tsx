import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useContext } from 'react';

import type { Basis, INumber } from '../api/types';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { cx } from './cx';

/**
 * The mark of a basis and the sentence behind it; what is exact needs no mark: `16 = 10 min` would
 * read as an equation.
 */
function explain(
  { basis, n, error }: INumber,
  trans: TranslationBundle
): [mark: string, title: string] | null {
  switch (basis) {
    case 'exact':
      return null;
    case 'approx':
      return [
        '≈',
        error ? trans.__('approximate, ±%1', format.percent(error, 1)) : trans.__('approximate')
      ];
    case 'sample':
      return [
        '~',
        n ? trans.__('from a sample of %1 rows', format.number(n)) : trans.__('from a sample')
      ];
    case 'est':
      return ['est.', n ? trans.__('estimated from %1', format.number(n)) : trans.__('estimated')];
    case 'n':
      return [`n=${n ?? '?'}`, trans.__('size of the group')];
  }
}

/** A number with its basis, or a bare one. */
export type Figure = INumber | number | string | null | undefined;

export interface INumProps {
  /** A labelled number; a bare one is exact. */
  value: Figure;
  format?: (value: unknown) => string;
  /** The basis of a bare number. */
  basis?: Basis;
  strong?: boolean;
  /** A quiet word after the number: `rows`. */
  unit?: string;
  /** It is cut with dots where its place is too narrow. */
  cut?: boolean;
}

export const labelled = (value: number | string | null, basis: Basis = 'exact'): INumber => ({
  value,
  basis,
  n: null,
  error: null
});

const numberOf = (value: Figure, basis?: Basis): INumber =>
  typeof value === 'object' && value !== null ? value : labelled(value ?? null, basis);

/** The basis that all numbers of a column share, as its heading shows it. */
export interface ISharedBasis {
  basis: Basis;
  mark: string;
  title: string;
}

/** The basis that the heading says for the numbers around: they do not repeat it. */
export const SharedBasis = React.createContext<string | null>(null);

/** The basis of all these numbers; null where they are exact, or differ. */
export function sharedBasis(
  values: readonly Figure[],
  trans: TranslationBundle
): ISharedBasis | null {
  const numbers = values.map(value => numberOf(value)).filter(({ value }) => value !== null);
  const [first] = numbers;
  const [mark, title] = (first && explain(first, trans)) ?? [];
  if (!first || mark === undefined || title === undefined) {
    return null;
  }
  const { basis } = first;
  const explained = numbers.map(number => explain(number, trans));
  if (
    numbers.some(number => number.basis !== basis) ||
    explained.some(one => one?.[0] !== mark) // groups of other sizes
  ) {
    return null;
  }
  // What they say beyond the basis, such as the size of a sample, may differ.
  const isSame = explained.every(one => one?.[1] === title);
  const general = explain({ value: null, basis, n: null, error: null }, trans);
  return { basis, mark, title: isSame ? title : (general?.[1] ?? title) };
}

/** The mark of a basis, in a heading. */
export function BasisMark({ basis, mark, title }: ISharedBasis): React.ReactElement {
  return (
    <span className={cx('basis', `basis-${basis}`)} title={title}>
      {mark}
    </span>
  );
}

/** A number with its basis: no number of the workbench stands without one. */
export function Num({
  value,
  format: write = format.number,
  basis = 'exact',
  strong,
  unit,
  cut
}: INumProps): React.ReactElement {
  const number = numberOf(value, basis);
  const { trans } = useWorkbench();
  const shared = useContext(SharedBasis);
  const [mark, title] = (number.value === null ? null : explain(number, trans)) ?? [];
  const text =
    number.value === null
      ? format.DASH
      : typeof number.value === 'string'
        ? format.unusual(number.value)
        : write(number.value);
  return (
    <span className={cx('num', strong && 'is-strong')} data-basis={number.basis} title={title}>
      {cut ? <span className={cx('cut')}>{text}</span> : text}
      {unit && <span className={cx('quiet')}> {unit}</span>}
      {mark && mark !== shared && (
        <span className={cx('basis', `basis-${number.basis}`)}>{mark}</span>
      )}
    </span>
  );
}
