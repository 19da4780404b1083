import React from 'react';

import type { IRun } from '../api/types';
import { cx } from '../components/cx';
import { State } from '../components/state';
import { clock } from '../components/times';
import type { IColumnSpec, ISort } from '../components/table';
import * as format from '../format';
import type { IWorkbench } from '../tokens';

const METRICS_SHOWN = 6;
const PARAMS_SHOWN = 6;

/** A sort as the server takes it. */
export const sortKey = ({ key, descending }: ISort): string => `${descending ? '-' : ''}${key}`;

/** Names that the most runs have, then by name: columns keep their place when new runs come in. */
function names(runs: readonly IRun[], field: 'metrics' | 'params'): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const name of Object.keys(run[field])) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts.entries()]
    .sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .map(([name]) => name);
}

/** Parameters that differ among the runs, since equal ones tell nothing. */
const differing = (runs: readonly IRun[]): string[] =>
  names(runs, 'params').filter(name => new Set(runs.map(run => run.params[name])).size > 1);

export interface IRunColumns {
  columns: IColumnSpec<IRun>[];
  /** Metrics and parameters that have no column. */
  left: number;
}

/**
 * The columns of a table of runs, those of `all` metrics and parameters or of the commonest; those
 * with `sort` are sorted by the server.
 */
export function runColumns(runs: readonly IRun[], { trans }: IWorkbench, all = false): IRunColumns {
  const [metrics, params] = [names(runs, 'metrics'), differing(runs)];
  const shown = {
    metrics: metrics.slice(0, all ? Infinity : METRICS_SHOWN),
    params: params.slice(0, all ? Infinity : PARAMS_SHOWN)
  };
  const left = metrics.length + params.length - shown.metrics.length - shown.params.length;
  const time = clock(runs.map(run => run.started_at));
  const columns: IColumnSpec<IRun>[] = [
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
      cell: run => time(run.started_at),
      sort: run => run.started_at
    },
    {
      key: 'duration',
      head: trans.__('took'),
      width: 80,
      figure: run => run.duration_seconds,
      write: format.duration
    },
    ...shown.metrics.map((name): IColumnSpec<IRun> => ({
      key: `metrics.${name}`,
      head: name,
      figure: run => run.metrics[name] ?? null,
      sort: run => (name in run.metrics ? format.real(run.metrics[name]) : null)
    })),
    ...shown.params.map((name): IColumnSpec<IRun> => ({
      key: `params.${name}`,
      head: name,
      end: runs.every(run => Number.isFinite(Number(run.params[name] ?? 0))),
      cell: run => (
        <span className={cx('clip')}>{format.setting(run.params[name] ?? format.DASH)}</span>
      ),
      sort: run => run.params[name] ?? null
    })),
    { key: 'user', head: trans.__('by'), width: 80, cell: run => run.user }
  ];
  return { columns, left };
}
