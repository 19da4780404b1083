import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

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

export interface INumProps {
  /** A labelled number; a bare one is exact. */
  value: INumber | number | string | null | undefined;
  format?: (value: unknown) => string;
  /** The basis of a bare number. */
  basis?: Basis;
  strong?: boolean;
  /** A quiet word after the number: `rows`. */
  unit?: string;
}

export const labelled = (value: number | string | null, basis: Basis = 'exact'): INumber => ({
  value,
  basis,
  n: null,
  error: null
});

/** A number with its basis: no number of the workbench stands without one. */
export function Num({
  value,
  format: write = format.number,
  basis = 'exact',
  strong,
  unit
}: INumProps): React.ReactElement {
  const number =
    typeof value === 'object' && value !== null ? value : labelled(value ?? null, basis);
  const { trans } = useWorkbench();
  const [mark, title] = (number.value === null ? null : explain(number, trans)) ?? [];
  const text =
    typeof number.value === 'string' ? format.unusual(number.value) : write(number.value);
  return (
    <span className={cx('num', strong && 'is-strong')} data-basis={number.basis} title={title}>
      {text}
      {unit && <span className={cx('quiet')}> {unit}</span>}
      {mark && <span className={cx('basis', `basis-${number.basis}`)}>{mark}</span>}
    </span>
  );
}
