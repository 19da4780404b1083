import '../../style/jobs.css';

import React from 'react';

import type { IJob } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { Progress } from '../components/progress';
import { Section, useOpen } from '../components/section';
import { Pinned } from '../components/shelf';
import { State } from '../components/state';
import { StateBar } from '../components/strip';
import * as format from '../format';
import { useEnabled } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { SchedulesSection } from '../pipelines/schedules';
import { PipelinesSection } from '../pipelines/section';
import { kinds } from '../kinds';
import type { IWorkbench } from '../tokens';
import { Compute, gpusOf } from './devices';
import { Starts, useStarts } from './starts';
import { arrayCode, shortName } from './lines';
import { isActive, isQueued, isWaiting, shownState } from './state';

/** The page of the queue. */
export const QUEUE = 'queue:all';

/** The Jobs panel: what the machine has, jobs, pipelines. */
export default function JobsPanel(): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <ComputeSection />
      <Pinned name="jobs:pinned" title={trans.__('Pinned')} kinds={kinds.of('jobs')} />
      <JobsSection />
      <PipelinesSection />
      <SchedulesSection />
    </>
  );
}

function ComputeSection(): React.ReactElement {
  const { client, trans, open } = useWorkbench();
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
      note={
        section.open &&
        query.data &&
        [query.data.backend, gpusOf(query.data)].filter(Boolean).join(' · ')
      }
      body={() => (
        <Result query={query} rows={2}>
          {compute => <Compute compute={compute} onFreed={() => void query.refresh()} />}
        </Result>
      )}
    >
      <Button
        bare
        kind="quiet"
        icon="queue"
        label={trans.__('Show the Queue')}
        onClick={() => void open(QUEUE)}
      />
    </Section>
  );
}

const SUBMIT = 'mlinfra:jobs-submit-active';

function JobsSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  return (
    <ListSection
      name="jobs:jobs"
      list="jobs"
      title={trans.__('Jobs')}
      fetch={(limit, signal) => client.jobs.list({ limit }, signal)}
      topics={['job']}
      every={page => (page?.items.some(isActive) ? 2_000 : 15_000)}
      empty={() => <NoJobs />}
      body={page => <Rows jobs={page.items} />}
    />
  );
}

function NoJobs(): React.ReactElement {
  const { commands, trans } = useWorkbench();
  const enabled = useEnabled(SUBMIT);
  return (
    <EmptyCard
      sentence={trans.__(
        'A job runs a notebook or a cell away from your kernel and survives closing the browser.'
      )}
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

function Rows({ jobs }: { jobs: readonly IJob[] }): React.ReactElement {
  const workbench = useWorkbench();
  const starts = useStarts(jobs.some(job => isQueued(job) && !job.held_by));
  const rows = jobs.map(job => jobRow(job, starts.get(job.id), workbench));
  return (
    <div className={cx('jobs-list')}>
      <List label={workbench.trans.__('Jobs')} rows={rows} />
    </div>
  );
}

export function jobRow(job: IJob, starts: string | undefined, workbench: IWorkbench): IListRow {
  const name = shortName(job);
  return {
    id: job.ref,
    ref: job.ref,
    item: job,
    code: arrayCode(job),
    lead: <State state={shownState(job)} bare />,
    name: job.array ? `${name} (${format.number(job.array.size)})` : name,
    note: format.shortId(job.id).slice(0, 4),
    title: `${job.name}\n${job.reason}`.trim(),
    meta: <JobMeta job={job} />,
    lines: jobLines(job, starts, workbench)
  };
}

function JobMeta({ job }: { job: IJob }): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (isQueued(job) && job.held_by) {
    return <>{trans.__('held by %1', job.held_by)}</>;
  }
  if (isActive(job) && job.progress && job.progress.value !== null) {
    return (
      <>
        <Progress
          fraction={Number(job.progress.value)}
          label={trans.__('Progress of %1', job.name)}
          width={48}
        />
        <Num value={job.progress} format={value => format.percent(value, 0)} />
      </>
    );
  }
  if (isQueued(job) && job.gpus > 0) {
    return <>{trans._n('%1 GPU', '%1 GPUs', job.gpus)}</>;
  }
  if (isActive(job)) {
    return job.elapsed_seconds === null ? null : (
      <Num value={job.elapsed_seconds} format={format.duration} />
    );
  }
  const moment = job.ended_at ?? job.submitted_at;
  return (
    <span title={new Date(moment).toLocaleString()}>
      {trans.__('%1 ago', format.span(format.secondsSince(moment)))}
    </span>
  );
}

/** Why it waits and when it may start, or how far it is; nothing for jobs that ended well. */
function jobLines(job: IJob, starts: string | undefined, { trans }: IWorkbench): React.ReactNode {
  const waits = isWaiting(job) && !job.held_by;
  const running = job.state === 'running' && !job.array && job.progress_text;
  const why = (waits || job.state === 'failed' || job.state === 'lost') && job.reason;
  if (!job.array && !why && !running && !(waits && starts)) {
    return undefined;
  }
  return (
    <>
      {job.array && (
        <StateBar states={job.array.states} label={trans.__('Elements of %1 by state', job.name)} />
      )}
      {why && (
        <span className={cx('reason')} data-reason={why} title={why}>
          {why}
        </span>
      )}
      {waits && <Starts at={starts} />}
      {running && (
        <span>
          {job.progress_text} · <Num value={job.elapsed_seconds} format={format.duration} />
        </span>
      )}
    </>
  );
}
