import React from 'react';

import type { IJob, IPage } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { More } from '../components/more';
import { Num } from '../components/number';
import { State } from '../components/state';
import { StateBar, StateCells } from '../components/strip';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IWorkbench } from '../tokens';
import { isActive, shownState } from './state';

/** The elements of an array: how many are in each state, each as a shape, and the first ones as a table. */
export function Elements({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const name = `elements:${job.ref}`;
  const { query, onMore } = useList(name, (limit, signal) => client.jobs.list({ array: job.id, limit }, signal), {
    topics: ['job'],
    every: () => (isActive(job) ? 2_000 : null)
  });
  return (
    <div className={cx('scroll')}>
      <p className={cx('more')}>
        <StateBar states={job.array?.states ?? {}} label={trans.__('Elements by state')} />
        {job.array?.max_parallel != null && (
          <>
            {' · '}
            {trans.__('at most %1 at a time', job.array.max_parallel)}
          </>
        )}
      </p>
      <Result query={query}>{page => <ElementTable page={page} onMore={onMore} />}</Result>
    </div>
  );
}

function ElementTable({ page, onMore }: { page: IPage<IJob>; onMore?: () => void }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans, open } = workbench;
  return (
    <>
      <StateCells
        label={trans.__('Elements in their order')}
        cells={page.items.map(job => ({ id: job.ref, state: shownState(job), name: job.name }))}
        onOpen={ref => void open(ref)}
      />
      <Table
        label={trans.__('Elements')}
        columns={columns(page.items, workbench)}
        rows={page.items}
        row={job => ({ id: job.ref, ref: job.ref })}
        total={page.total}
      />
      <More page={page} onMore={onMore} rest={trans.__('the command line lists the rest: mlinfra jobs list --array')} />
    </>
  );
}

/** Names of parameters that stand in columns of their own. */
const SHOWN = 6;

/** The parameters in which elements differ. */
export function varied(jobs: readonly IJob[]): string[] {
  const names = [...new Set(jobs.flatMap(job => Object.keys(job.parameters)))];
  return names.filter(name => new Set(jobs.map(job => JSON.stringify(job.parameters[name]))).size > 1);
}

function columns(jobs: readonly IJob[], { trans }: IWorkbench): IColumnSpec<IJob>[] {
  return [
    { key: 'index', head: '#', cell: job => job.index, width: 48 },
    { key: 'state', head: trans.__('state'), cell: job => <State state={shownState(job)} /> },
    ...varied(jobs)
      .slice(0, SHOWN)
      .map((name): IColumnSpec<IJob> => ({
        key: `p:${name}`,
        head: name,
        cell: job => (
          <span className={cx('clip')}>
            {Object.hasOwn(job.parameters, name) ? JSON.stringify(job.parameters[name]) : format.DASH}
          </span>
        )
      })),
    {
      key: 'progress',
      head: trans.__('progress'),
      cell: job =>
        job.progress ? <Num value={job.progress} format={value => format.percent(value, 0)} /> : format.DASH,
      end: true
    },
    { key: 'took', head: trans.__('time'), cell: job => format.duration(job.elapsed_seconds), end: true },
    {
      key: 'reason',
      head: trans.__('reason'),
      cell: job => (
        <span className={cx('cell', 'is-wide')} title={job.reason}>
          {job.state === 'succeeded' ? format.DASH : job.reason}
        </span>
      )
    }
  ];
}
