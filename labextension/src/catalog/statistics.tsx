import React from 'react';

import type { INumber, IProfile, IShape } from '../api/types';
import { cx } from '../components/cx';
import type { IColumnSpec } from '../components/table';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { Clipped, type IRow } from './columns';
import { beyond, ColumnShape, figureOf, mostFrequent, quantile } from './figures';
import { personal } from './page/revealed';

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
      cell: row => (
        <span className={cx('strong-name', 'cell')} title={row.name}>
          {row.name}
        </span>
      ),
      sort: row => row.name
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 132,
      cell: row =>
        row.column?.shape ? (
          <ColumnShape name={row.name} shape={row.column.shape} width={116} height={28} />
        ) : (
          personal([row]).length > 0 && <span className={cx('quiet')}>{trans.__('masked')}</span>
        )
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
      cell: ({ column }) => (
        <>
          <Clipped number={mostFrequent(column, profile, WORDS)} />
          <Rest shape={column?.shape} />
        </>
      ),
      end: false,
      wrap: true
    }
  ];
}

/** How many rows have values that the bars do not show. */
function Rest({ shape }: { shape: IShape | null | undefined }): React.ReactElement | null {
  const workbench = useWorkbench();
  const words = shape ? beyond(shape, workbench) : [];
  return words.length > 0 ? <div className={cx('quiet')}>{words.join('; ')}</div> : null;
}
