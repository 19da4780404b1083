import React, { useState } from 'react';

import type { IJob } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Pager } from '../components/pager';
import { State } from '../components/state';
import { StateBar, StateCells } from '../components/strip';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { isActive, shownState } from './state';

/** Elements that are shown at a time. */
const PAGE = 200;

/**
 * The elements of an array: how many are in each state, each as a shape, and a page of them as a
 * table.
 */
export function Elements({ job }: { job: IJob }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans, open } = workbench;
  const [start, setStart] = useState(0);
  const name = `elements:${job.ref}`;
  const query = useQuery(
    `${name}:${start}`,
    // The cursor of an array's elements is the number of the first one to return.
    signal =>
      client.jobs.list(
        { array: job.id, limit: PAGE, cursor: start ? String(start) : null },
        signal
      ),
    { topics: ['job'], every: () => (isActive(job) ? 2_000 : null), list: name }
  );
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
      <Result query={query}>
        {({ items, total }) => (
          <>
            {total > PAGE && (
              <div className={cx('bar')}>
                <Pager start={start} size={PAGE} total={total} onStart={setStart} />
              </div>
            )}
            <StateCells
              label={trans.__('Elements in their order')}
              cells={items.map(item => ({
                id: item.ref,
                state: shownState(item),
                name: item.name
              }))}
              onOpen={ref => void open(ref)}
            />
            <Table
              label={trans.__('Elements')}
              columns={columns(items, workbench)}
              rows={items}
              row={item => ({ id: item.ref, ref: item.ref, item })}
              total={total}
              first={start}
            />
          </>
        )}
      </Result>
    </div>
  );
}

/** Names of parameters that stand in columns of their own. */
const SHOWN = 6;

/** The parameters in which elements differ. */
export function varied(jobs: readonly IJob[]): string[] {
  const names = [...new Set(jobs.flatMap(job => Object.keys(job.parameters)))];
  return names.filter(
    name => new Set(jobs.map(job => JSON.stringify(job.parameters[name]))).size > 1
  );
}

function columns(jobs: readonly IJob[], { trans }: IWorkbench): IColumnSpec<IJob>[] {
  return [
    { key: 'index', head: '#', figure: job => job.index, width: 48 },
    { key: 'state', head: trans.__('state'), cell: job => <State state={shownState(job)} /> },
    ...varied(jobs)
      .slice(0, SHOWN)
      .map((name): IColumnSpec<IJob> => ({
        key: `p:${name}`,
        head: name,
        end: jobs.every(job => typeof (job.parameters[name] ?? 0) === 'number'),
        cell: job => (
          <span className={cx('clip')}>
            {Object.hasOwn(job.parameters, name)
              ? JSON.stringify(job.parameters[name])
              : format.DASH}
          </span>
        )
      })),
    {
      key: 'progress',
      head: trans.__('progress'),
      figure: job => (isActive(job) ? job.progress : null),
      write: value => format.percent(value, 0)
    },
    {
      key: 'took',
      head: trans.__('time'),
      figure: job => job.elapsed_seconds,
      write: format.duration
    },
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
