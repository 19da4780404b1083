import { Dialog, showDialog } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import type { IJob, IJobSpec } from '../api/types';
import { Button, Link } from '../components/button';
import { Result, WaitingCard } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageKey } from '../components/frame';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { Pairs } from '../components/pairs';
import { Progress } from '../components/progress';
import { State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps } from '../tokens';
import { JobLog } from './log';
import { isActive, isWaiting } from './state';

/** A cancel of a job that ran longer than this is asked about. */
const LONG_SECONDS = 600;

/** The page of a job. */
export default function JobPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.jobs.show(name, signal), {
    topics: ['job'],
    about: reference,
    every: job => (!job || isActive(job) ? 2_000 : null)
  });
  const job = query.data;
  return (
    <>
      <PageHeader
        icon="jobs"
        title={(job?.name ?? '') || trans.__('job %1', name)}
        reference={reference}
        mark={job && <State state={job.state} tag />}
      >
        {job && isActive(job) && <CancelButton job={job} query={query} />}
        {job && <RunAgainButton job={job} />}
        {job?.output && !isActive(job) && <OpenOutput path={job.output} />}
        <InsertButton code={job?.code.python} primary={false} />
      </PageHeader>
      <Result query={query}>{data => <JobBody job={data} />}</Result>
    </>
  );
}

function CancelButton({ job, query }: { job: IJob; query: IQuery<IJob> }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { run, busy } = useAction();
  const cancel = async (): Promise<void> => {
    if ((job.elapsed_seconds ?? 0) > LONG_SECONDS) {
      const answer = await showDialog({
        title: trans.__('Cancel %1?', job.name),
        body: trans.__(
          'It has run for %1. What it has not written by now is lost; it can be submitted again.',
          format.duration(job.elapsed_seconds)
        ),
        buttons: [
          Dialog.cancelButton({ label: trans.__('Let It Run') }),
          Dialog.warnButton({ label: trans.__('Cancel Job') })
        ]
      });
      if (!answer.button.accept) {
        return;
      }
    }
    await client.jobs.cancel(job.id);
    await query.refresh();
  };
  usePageKey('k', trans.__('cancel'), () => void run(cancel), !busy);
  return <Button icon="stop" label={trans.__('Cancel')} disabled={busy} onClick={() => void run(cancel)} />;
}

const ENDED_BADLY = ['failed', 'cancelled', 'lost'];

/** What a job was submitted with; null where its record does not hold all of it: a command has an environment, a step belongs to a run. */
export function specOf(job: IJob): IJobSpec | null {
  const { notebook, parameters, name, cpus, gpus, priority, retries, labels } = job;
  return notebook && !notebook.startsWith('.') && Object.keys(labels).length === 0
    ? { notebook, parameters, name, cpus, gpus, priority, retries }
    : null;
}

/** Submit a notebook that did not come to its end once more. */
function RunAgainButton({ job }: { job: IJob }): React.ReactElement | null {
  const { client, trans, open } = useWorkbench();
  const { run, busy } = useAction();
  const spec = specOf(job);
  if (!spec || !ENDED_BADLY.includes(job.state)) {
    return null;
  }
  return (
    <Button
      kind="primary"
      icon="play"
      label={trans.__('Run Again')}
      caption={trans.__('Submit the notebook, as it is now, with the same parameters; without a time limit')}
      disabled={busy}
      onClick={() => void run(async () => open((await client.jobs.submit(spec)).ref))}
    />
  );
}

function OpenOutput({ path }: { path: string }): React.ReactElement | null {
  const { commands, trans } = useWorkbench();
  if (!path.endsWith('.ipynb') || path.startsWith('/')) {
    return null;
  }
  return (
    <Button
      icon="notebook"
      label={trans.__('Open Executed Notebook')}
      onClick={() => void commands.execute('mlinfra:workbench-open-file', { path })}
    />
  );
}

function JobBody({ job }: { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  const [view, setView] = useState('log');
  const [follow, setFollow] = useState(true);
  usePageKey('l', trans.__('go to the end of the log'), () => {
    setView('log');
    setFollow(true);
  });
  return (
    <>
      <JobFacts job={job} />
      <JobProgress job={job} />
      {isWaiting(job) && (
        <WaitingCard
          title={trans.__('%1 waits', job.name)}
          reason={job.reason || trans.__('It starts as soon as the supervisor has seen it.')}
        />
      )}
      {job.reason && !isActive(job) && job.state !== 'succeeded' && (
        <p className={cx('more', 'reason')}>{job.reason}</p>
      )}
      <Tabs
        tabs={[
          { name: 'log', label: trans.__('Log') },
          { name: 'parameters', label: trans.__('Parameters') },
          { name: 'details', label: trans.__('Details') }
        ]}
        current={view}
        onSelect={setView}
        note={
          view === 'log' && (
            <label>
              <input type="checkbox" checked={follow} onChange={event => setFollow(event.target.checked)} />{' '}
              {trans.__('follow')}
            </label>
          )
        }
      >
        {view === 'log' && <JobLog job={job} follow={follow} onFollow={setFollow} />}
        {view === 'parameters' && (
          <Pairs
            pairs={Object.entries(job.parameters).map(([key, value]) => [key, JSON.stringify(value)])}
            empty={trans.__('It takes no parameters.')}
          />
        )}
        {view === 'details' && <JobDetails job={job} />}
      </Tabs>
      <CodeDrawer code={job.code} />
    </>
  );
}

function JobFacts({ job }: { job: IJob }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const { pipeline, step } = job.labels;
  return (
    <Facts>
      <>
        {trans.__('attempt')} <b>{job.attempt}</b>
      </>
      {job.gpus > 0 && (
        <>
          {trans._n('%1 GPU', '%1 GPUs', job.gpus)} {job.gpu_ids.length > 0 && `(${job.gpu_ids.join(', ')})`}
        </>
      )}
      {trans._n('%1 CPU', '%1 CPUs', job.cpus)}
      <span>{job.backend}</span>
      {job.elapsed_seconds !== null && (
        <>
          {isActive(job)
            ? trans.__('running for %1', format.duration(job.elapsed_seconds))
            : trans.__('took %1', format.duration(job.elapsed_seconds))}
        </>
      )}
      {job.exit_code !== null && (
        <>
          {trans.__('exit code')} <b>{job.exit_code}</b>
        </>
      )}
      {pipeline && (
        <>
          {trans.__('step')}
          <Link onClick={() => void open(formatRef('pipeline', pipeline))}>
            {step ? `${pipeline}/${step}` : pipeline}
          </Link>
        </>
      )}
      {job.snapshot && (
        <>
          {trans.__('code snapshot')} <b>{format.shortId(job.snapshot)}</b>
        </>
      )}
      <>
        {trans.__('by')} <b>{job.user}</b>
      </>
    </Facts>
  );
}

function JobProgress({ job }: { job: IJob }): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (job.state !== 'running') {
    return null;
  }
  const fraction = job.progress && typeof job.progress.value === 'number' ? job.progress.value : null;
  return (
    <div className={cx('bar')}>
      <Progress fraction={fraction} label={trans.__('Progress of %1', job.name)} />
      {job.progress && <Num value={job.progress} strong format={value => format.percent(value, 0)} />}
      <span>{job.progress_text}</span>
    </div>
  );
}

function JobDetails({ job }: { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Pairs
      pairs={[
        [trans.__('id'), job.id],
        [trans.__('notebook'), job.notebook],
        [trans.__('command'), job.command.join(' ')],
        [trans.__('submitted'), format.time(job.submitted_at)],
        [trans.__('started'), format.time(job.started_at)],
        [trans.__('ended'), format.time(job.ended_at)],
        [trans.__('output'), job.output],
        [trans.__('priority'), job.priority],
        [trans.__('retries'), job.retries],
        [
          trans.__('labels'),
          Object.entries(job.labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(' ')
        ]
      ]}
    />
  );
}
