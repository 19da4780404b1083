import '../../style/jobs.css';

import { showPopup } from '@jupyterlab/statusbar';
import type { Widget } from '@lumino/widgets';
import React from 'react';

import type { IJob, IPage, JobState } from '../api/types';
import { Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { alertRow } from '../monitoring/section';
import type { IWorkbench } from '../tokens';
import { leaving } from '../workbench/leaving';
import { FrameWidget } from '../workbench/widget';
import { Compute } from './devices';
import { jobRow, QUEUE } from './panel';
import { useStarts } from './starts';

/** Rows of each list; the panels show the rest. */
const ROWS = 10;

class Popup extends FrameWidget {
  constructor(workbench: IWorkbench) {
    super(workbench, 'panel');
    this.addClass(cx('jobs-popup'));
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', workbench.trans.__('What runs, waits and fires'));
  }

  protected override content(): React.ReactElement {
    return <Lists />;
  }
}

/**
 * The four lists behind the item of the status bar. Escape, a click elsewhere, or going to what is
 * listed close it.
 */
export function openPopup(workbench: IWorkbench, anchor: Widget): Widget {
  const close = (): void => popup.dispose();
  const body = new Popup(leaving(workbench, close));
  const popup = showPopup({ body, anchor, align: 'right', hasDynamicSize: true });
  popup.disposed.connect(() => anchor.node.querySelector('button')?.focus());
  body.node.focus();
  return popup;
}

function Lists(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, commands, open, trans } = workbench;
  const compute = useQuery('compute', signal => client.jobs.compute(signal), {
    topics: ['job']
  });
  const running = useJobs('running');
  const queued = useJobs('queued');
  const starts = useStarts(Boolean(queued.data?.total));
  const alerts = useQuery(
    `alerts:firing:${ROWS}`,
    signal => client.monitoring.alerts({ firing: true, limit: ROWS }, signal),
    {
      topics: ['alert']
    }
  );
  const jobs = (query: IQuery<IPage<IJob>>, label: string, none: string): React.ReactElement => (
    <Rows
      query={query}
      label={label}
      none={none}
      row={job => jobRow(job, starts.get(job.id), workbench)}
    />
  );
  return (
    <div className={cx('panel-body')}>
      <Heading title={trans.__('Compute')}>
        <Link onClick={() => void open(QUEUE)}>{trans.__('queue')}</Link>
      </Heading>
      <Result query={compute} rows={2}>
        {data => <Compute compute={data} onFreed={() => void compute.refresh()} />}
      </Result>
      {jobs(running, trans.__('Running'), trans.__('Nothing runs.'))}
      {jobs(queued, trans.__('Waiting'), trans.__('Nothing waits.'))}
      <Rows
        query={alerts}
        label={trans.__('Alerts firing')}
        none={trans.__('No alert is firing.')}
        row={alert => alertRow(alert, workbench)}
      >
        <Link onClick={() => void commands.execute('mlinfra:models-show')}>{trans.__('all')}</Link>
      </Rows>
    </div>
  );
}

function useJobs(state: JobState): IQuery<IPage<IJob>> {
  const { client } = useWorkbench();
  return useQuery(
    `jobs:${state}:${ROWS}`,
    signal => client.jobs.list({ state, limit: ROWS }, signal),
    {
      topics: ['job']
    }
  );
}

interface IRowsProps<T> {
  query: IQuery<IPage<T>>;
  label: string;
  none: string;
  row: (item: T) => IListRow;
  children?: React.ReactNode;
}

function Rows<T>({ query, label, none, row, children }: IRowsProps<T>): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Heading title={label} note={query.data && String(query.data.total)}>
        {children}
      </Heading>
      <Result query={query} rows={1}>
        {page =>
          page.items.length ? (
            <>
              <List label={label} rows={page.items.map(row)} />
              <More page={page} rest={trans.__('the panels show the rest')} />
            </>
          ) : (
            <p className={cx('more')}>{none}</p>
          )
        }
      </Result>
    </>
  );
}
