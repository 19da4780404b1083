import React from 'react';

import type { Basis, Certainty, IColumnProfile, INumber, IProfile, IShape } from '../api/types';
import { Bars } from '../components/shape';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';

const BASES: Record<Certainty, Basis> = { exact: 'exact', approximate: 'approx', sample: 'sample' };

type Figures = 'nulls' | 'distinct' | 'min' | 'max' | 'mean' | 'std' | 'top' | 'quantiles';

/** What is known of a column; names such as `constructor` are of columns too. */
export const columnOf = (
  profile: IProfile | null | undefined,
  name: string
): IColumnProfile | undefined =>
  profile && Object.hasOwn(profile.columns, name) ? profile.columns[name] : undefined;

/** A figure of a column with its basis; undefined where the profile does not know it. */
function figure(
  column: IColumnProfile | undefined,
  key: Figures,
  value: unknown
): INumber | undefined {
  const basis = column?.basis[key];
  if (!column || value === null || value === undefined) {
    return undefined;
  }
  return {
    value: typeof value === 'number' || typeof value === 'string' ? value : format.cell(value),
    basis: BASES[basis ?? 'exact'],
    n: column.sample,
    error: column.errors[key] ?? null
  };
}

export const figureOf = (
  column: IColumnProfile | undefined,
  key: 'distinct' | 'min' | 'max' | 'mean' | 'std'
): INumber | undefined => figure(column, key, column?.[key]);

/** The value that a share of the others lies below: `0.5` is the median. */
export const quantile = (column: IColumnProfile | undefined, share: string): INumber | undefined =>
  figure(column, 'quantiles', column?.quantiles[share]);

/** Rows that the counts of a column are of. */
const rowsOf = (column: IColumnProfile, profile: IProfile): number =>
  profile.rows ?? column.sample ?? 0;

/** The share of rows without a value. */
export function missing(
  column: IColumnProfile | undefined,
  profile: IProfile | null | undefined
): INumber | undefined {
  if (!column || !profile || column.nulls === null) {
    return undefined;
  }
  const rows = rowsOf(column, profile);
  return figure(column, 'nulls', rows ? column.nulls / rows : 0);
}

/** The most frequent values with their shares: `UA 17.4 %`. */
export function mostFrequent(
  column: IColumnProfile | undefined,
  profile: IProfile | undefined,
  most = 1
): INumber | undefined {
  if (!column || !profile || !column.top.length) {
    return undefined;
  }
  const words = column.top
    .slice(0, most)
    .map(
      ([value, count]) =>
        `${format.isolated(whole(value))} ${format.percent(count / rowsOf(column, profile), 1)}`
    );
  return figure(column, 'top', words.join(' · '));
}

interface IColumnShapeProps {
  name: string;
  shape: IShape;
  width?: number;
  height?: number;
}

/** The bars of a column. What lies beyond them, in a long tail, is said. */
export function ColumnShape({ name, shape, width, height }: IColumnShapeProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const words = shape.kind === 'words';
  return (
    <Bars
      values={shape.bars.map(({ count }) => count)}
      titles={shape.bars.map(({ label, count }) =>
        trans._n('%2: %1 row', '%2: %1 rows', count, format.plain(label))
      )}
      before={!words && shape.below > 0}
      after={!words && shape.above > 0}
      label={[trans.__('Shape of %1', name), ...beyond(shape, workbench)].join('. ')}
      width={width}
      height={height}
    />
  );
}

/** What a shape does not draw, in words. */
export function beyond({ kind, bars, below, above }: IShape, { trans }: IWorkbench): string[] {
  const [first, last] = [bars[0], bars[bars.length - 1]];
  const rows = (count: number): string =>
    trans._n('%2 row', '%2 rows', count, format.number(count));
  if (kind === 'words') {
    return above > 0 ? [trans.__('%1 with other values', rows(above))] : [];
  }
  return [
    ...(below > 0 ? [trans.__('%1 below %2, not drawn', rows(below), edge(first?.low))] : []),
    ...(above > 0 ? [trans.__('%1 above %2, not drawn', rows(above), edge(last?.high))] : [])
  ];
}

/** A value by which rows are found again: not rounded. */
const whole = (value: unknown): string =>
  typeof value === 'number' ? format.datum(value, 15) : edge(value);

const edge = (value: unknown): string =>
  typeof value === 'string' ? format.plain(value) : format.datum(value);
