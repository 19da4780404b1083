import React from 'react';

import type { ICompute, IDevice, IJob, IPage } from '../api/types';
import { Link } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Progress } from '../components/progress';
import { Section, useOpen } from '../components/section';
import { Pinned } from '../components/shelf';
import { State } from '../components/state';
import * as format from '../format';
import { useEnabled } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useQuery } from '../hooks/query';
import { PipelinesSection } from '../pipelines/section';
import { PANEL_KINDS, parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { isActive, isWaiting } from './state';

/** The Jobs panel: what the machine has, jobs, pipelines. */
export default function JobsPanel(): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <ComputeSection />
      <Pinned name="jobs:pinned" title={trans.__('Pinned')} kinds={PANEL_KINDS.jobs} />
      <JobsSection />
      <PipelinesSection />
    </>
  );
}

function ComputeSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('jobs:compute');
  const query = useQuery('compute', signal => client.jobs.compute(signal), {
    topics: ['job'],
    when: section.drawn,
    every: compute => (compute?.running ? 3_000 : 15_000)
  });
  return (
    <Section
      {...section}
      title={trans.__('Compute')}
      note={section.open && query.data?.backend}
      body={() => (
        <Result query={query} rows={2}>
          {compute => <Compute compute={compute} />}
        </Result>
      )}
    />
  );
}

function Compute({ compute }: { compute: ICompute }): React.ReactElement {
  const { trans } = useWorkbench();
  const held = trans.__('%1 of %2 held', compute.cpus_used, compute.cpus);
  const whole = (value: unknown): string => format.percent(value, 0);
  return (
    <div className={cx('compute')}>
      {compute.devices.map(device => (
        <Device key={device.id} device={device} />
      ))}
      <div className={cx('compute-line')}>
        <span>{trans.__('CPU')}</span>
        <Progress fraction={Number(compute.load.value ?? 0)} label={trans.__('CPU load')} />
        <span className={cx('compute-number')}>
          <Num value={compute.load} format={whole} />
        </span>
        <span className={cx('quiet')} title={held}>
          {held}
        </span>
      </div>
      <p className={cx('quiet')}>
        {trans.__('memory')} <Num value={compute.memory} format={whole} /> · {trans.__('disk')}{' '}
        <Num value={compute.disk} format={whole} />
      </p>
    </div>
  );
}

function Device({ device }: { device: IDevice }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const isJob = parseRef(device.holder)?.kind === 'job';
  return (
    <div className={cx('compute-line')} title={device.name}>
      <span>{trans.__('GPU%1', device.id)}</span>
      <Progress
        fraction={Number(device.load?.value ?? 0)}
        label={trans.__('Load of GPU %1', device.id)}
        tone={device.holder && !isJob ? 'wait' : 'run'}
      />
      <span className={cx('compute-number')}>
        <Num value={device.load} format={value => format.percent(value, 0)} />
      </span>
      {isJob ? (
        <Link onClick={() => void open(device.holder)}>{trans.__('job %1', device.holder.slice(4, 8))}</Link>
      ) : (
        <span className={cx('quiet')}>{device.holder || trans.__('free')}</span>
      )}
    </div>
  );
}

const SUBMIT = 'mlinfra:jobs-submit-active';

function JobsSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('jobs:jobs');
  const { query, onMore } = useList('jobs', (limit, signal) => client.jobs.list({ limit }, signal), {
    topics: ['job'],
    every: page => (page?.items.some(isActive) ? 2_000 : 15_000),
    when: section.drawn
  });
  const page = query.data;
  return (
    <Section
      {...section}
      title={trans.__('Jobs')}
      note={section.open && page && trans.__('%1 of %2', format.number(page.shown), format.number(page.total))}
      body={() => <Result query={query}>{data => <Jobs page={data} onMore={onMore} />}</Result>}
    />
  );
}

function Jobs({ page, onMore }: { page: IPage<IJob>; onMore?: () => void }): React.ReactElement {
  const workbench = useWorkbench();
  const { commands, trans } = workbench;
  const enabled = useEnabled(SUBMIT);
  if (!page.items.length) {
    return (
      <EmptyCard
        sentence={trans.__('A job runs a notebook or a cell away from your kernel and survives closing the browser.')}
        action={{
          label: trans.__('Run This Notebook as a Job'),
          disabled: !enabled,
          caption: commands.caption(SUBMIT),
          onClick: () => void commands.execute(SUBMIT)
        }}
        code="mlinfra jobs submit notebook.ipynb"
      />
    );
  }
  return (
    <>
      <List label={trans.__('Jobs')} rows={page.items.map(job => jobRow(job, workbench))} />
      <More page={page} onMore={onMore} />
    </>
  );
}

function jobRow(job: IJob, { trans }: IWorkbench): IListRow {
  const name = job.name.split('/').pop() ?? job.name;
  return {
    id: job.ref,
    ref: job.ref,
    lead: <State state={job.state} bare />,
    name,
    note: format.shortId(job.id).slice(0, 4),
    title: `${job.name}\n${job.reason}`.trim(),
    meta: <JobMeta job={job} />,
    lines: jobLines(job, trans.__('running'))
  };
}

function JobMeta({ job }: { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  if (isActive(job) && job.progress && job.progress.value !== null) {
    return (
      <>
        <Progress fraction={Number(job.progress.value)} label={trans.__('Progress of %1', job.name)} width={48} />
        <Num value={job.progress} format={value => format.percent(value, 0)} />
      </>
    );
  }
  if (isActive(job)) {
    return <>{format.duration(job.elapsed_seconds)}</>;
  }
  const moment = job.ended_at ?? job.submitted_at;
  return (
    <span title={new Date(moment).toLocaleString()}>
      {trans.__('%1 ago', format.span(format.secondsSince(moment)))}
    </span>
  );
}

/** Why it waits, or how far it is; nothing for jobs that ended well. */
function jobLines(job: IJob, running: string): React.ReactNode {
  const reason = (
    <span className={cx('reason')} data-reason={job.reason} title={job.reason}>
      {job.reason}
    </span>
  );
  if (isWaiting(job)) {
    return reason;
  }
  if (isActive(job) && job.progress_text) {
    return `${job.progress_text} · ${format.duration(job.elapsed_seconds) || running}`;
  }
  return (job.state === 'failed' || job.state === 'lost') && job.reason ? reason : undefined;
}
