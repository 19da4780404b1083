import React from 'react';

import type { IProfile } from '../api/types';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import type { IColumnSpec } from '../components/table';
import * as format from '../format';
import type { IWorkbench } from '../tokens';
import { beyond, ColumnShape, figureOf, mostFrequent, quantile } from './figures';
import type { IRow } from './columns';

const WORDS = 4;

/** The distribution of each column: its shape, quantiles and most frequent values. */
export function statisticsOf(
  workbench: IWorkbench,
  profile: IProfile | undefined
): IColumnSpec<IRow>[] {
  const { trans } = workbench;
  const shares: readonly [string, string][] = [
    ['0.01', trans.__('1 %')],
    ['0.25', trans.__('25 %')],
    ['0.5', trans.__('median')],
    ['0.75', trans.__('75 %')],
    ['0.99', trans.__('99 %')]
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
      width: 250,
      cell: ({ name, column }) =>
        column?.shape && <ColumnShape name={name} shape={column.shape} width={232} height={40} />
    },
    {
      key: 'beyond',
      head: trans.__('not drawn'),
      wrap: true,
      cell: ({ column }) => (
        <span className={cx('quiet')}>
          {column?.shape && beyond(column.shape, workbench).join('; ')}
        </span>
      )
    },
    {
      key: 'mean',
      head: trans.__('mean'),
      figure: ({ column }) => figureOf(column, 'mean'),
      write: format.datum
    },
    {
      key: 'std',
      head: trans.__('std'),
      figure: ({ column }) => figureOf(column, 'std'),
      write: format.datum
    },
    ...shares.map(([share, head]): IColumnSpec<IRow> => ({
      key: share,
      head,
      figure: ({ column }) => quantile(column, share),
      write: format.datum
    })),
    {
      key: 'top',
      head: trans.__('most frequent'),
      figure: ({ column }) => mostFrequent(column, profile, WORDS),
      cell: ({ column }) => {
        const words = mostFrequent(column, profile, WORDS);
        return (
          words && (
            <span className={cx('clip')} title={String(words.value)}>
              <Num value={words} />
            </span>
          )
        );
      },
      end: false,
      width: 260
    }
  ];
}
