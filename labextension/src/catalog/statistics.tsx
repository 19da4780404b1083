import React from 'react';

import type { INumber, IProfile } from '../api/types';
import { cx } from '../components/cx';
import type { IColumnSpec } from '../components/table';
import type { IWorkbench } from '../tokens';
import { Clipped, type IRow } from './columns';
import { beyond, ColumnShape, figureOf, mostFrequent, quantile } from './figures';

const WORDS = 4;

const shares = (trans: IWorkbench['trans']): readonly [string, string][] => [
  ['0.01', trans.__('1 %')],
  ['0.25', trans.__('25 %')],
  ['0.5', trans.__('median')],
  ['0.75', trans.__('75 %')],
  ['0.99', trans.__('99 %')]
];

/** The distribution of each column: its shape, quantiles and most frequent values. */
export function statisticsOf(
  workbench: IWorkbench,
  profile: IProfile | undefined
): IColumnSpec<IRow>[] {
  const { trans } = workbench;
  const figures: readonly [string, string, (row: IRow) => INumber | undefined][] = [
    ['mean', trans.__('mean'), ({ column }) => figureOf(column, 'mean')],
    ['std', trans.__('std'), ({ column }) => figureOf(column, 'std')],
    ...shares(trans).map(([share, head]): [string, string, (row: IRow) => INumber | undefined] => [
      share,
      head,
      ({ column }) => quantile(column, share)
    ])
  ];
  return [
    {
      key: 'name',
      head: trans.__('column'),
      cell: row => <span className={cx('strong-name')}>{row.name}</span>,
      sort: row => row.name
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 180,
      cell: ({ name, column }) =>
        column?.shape && <ColumnShape name={name} shape={column.shape} width={164} height={28} />
    },
    ...figures.map(([key, head, figure]): IColumnSpec<IRow> => ({
      key,
      head,
      figure,
      cell: row => <Clipped number={figure(row)} narrow />,
      width: 84
    })),
    {
      key: 'top',
      head: trans.__('most frequent'),
      figure: ({ column }) => mostFrequent(column, profile, WORDS),
      cell: ({ column }) => <Clipped number={mostFrequent(column, profile, WORDS)} />,
      end: false,
      width: 240
    },
    {
      key: 'beyond',
      head: trans.__('not drawn'),
      cell: ({ column }) => (
        <span className={cx('quiet')}>
          {column?.shape && beyond(column.shape, workbench).join('; ')}
        </span>
      )
    }
  ];
}
