import React from 'react';

import type { IRun } from '../api/types';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import { State } from '../components/state';
import type { IColumnSpec, ISort } from '../components/table';
import * as format from '../format';
import type { IWorkbench } from '../tokens';

const METRICS_SHOWN = 6;
const PARAMS_SHOWN = 6;

/** A sort as the server takes it. */
export const sortKey = ({ key, descending }: ISort): string => `${descending ? '-' : ''}${key}`;

/** Names that the most runs have, then by name: columns keep their place when new runs come in. */
function names(runs: readonly IRun[], field: 'metrics' | 'params', most: number): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const name of Object.keys(run[field])) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts.entries()]
    .sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .slice(0, most)
    .map(([name]) => name);
}

/** Parameters that differ among the runs, since equal ones tell nothing. */
function differing(runs: readonly IRun[]): string[] {
  return names(runs, 'params', 100)
    .filter(name => new Set(runs.map(run => run.params[name])).size > 1)
    .slice(0, PARAMS_SHOWN);
}

/** The columns of a table of runs; those with `sort` are sorted by the server. */
export function runColumns(runs: readonly IRun[], { trans }: IWorkbench): IColumnSpec<IRun>[] {
  return [
    {
      key: 'name',
      head: trans.__('run'),
      width: 230,
      cell: run => (
        <>
          <State state={run.status} bare /> <span className={cx('strong-name')}>{run.name}</span>{' '}
          <span className={cx('type')}>{format.shortId(run.id)}</span>
        </>
      )
    },
    {
      key: 'started',
      head: trans.__('started'),
      width: 110,
      cell: run => format.time(run.started_at),
      sort: run => run.started_at
    },
    {
      key: 'duration',
      head: trans.__('took'),
      end: true,
      width: 80,
      cell: run => format.duration(run.duration_seconds)
    },
    ...names(runs, 'metrics', METRICS_SHOWN).map((name): IColumnSpec<IRun> => ({
      key: `metrics.${name}`,
      head: name,
      end: true,
      cell: run => (name in run.metrics ? <Num value={run.metrics[name]} /> : format.DASH),
      sort: run => run.metrics[name] ?? null
    })),
    ...differing(runs).map((name): IColumnSpec<IRun> => ({
      key: `params.${name}`,
      head: name,
      end: true,
      cell: run => <span className={cx('clip')}>{format.setting(run.params[name] ?? format.DASH)}</span>,
      sort: run => run.params[name] ?? null
    })),
    { key: 'user', head: trans.__('by'), width: 80, cell: run => run.user }
  ];
}
