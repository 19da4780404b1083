import '../../style/jobs.css';

import React, { useEffect, useState } from 'react';

import type { IJob } from '../api/types';
import { Link } from '../components/button';
import { Result, WaitingCard } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Facts, InsertButton, type ITab, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { Progress } from '../components/progress';
import { State } from '../components/state';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useWide } from '../hooks/wide';
import { formatRef, short } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { isFormed, JobButtons } from './actions';
import { CodeOf } from './code';
import { KernelButtons } from './devices';
import { Elements } from './elements';
import { JobLog } from './log';
import { notify, NOTIFY } from './notify';
import { OpenOutput, Output } from './output';
import { endOf, Queue } from './queue';
import { Attempts, JobDetails, Parameters } from './record';
import { gpuName, Resources } from './resources';
import { type ILogSearch, LogSearchBox, useLogSearch } from './search';
import { Clock, Starts, useStarts } from './starts';
import { arrayCode, kernelsIn, shortName } from './lines';
import { isActive, isWaiting, shownState } from './state';

/** The page of a job, or of an array of jobs. */
export default function JobPage({ reference, name, onTitle }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.jobs.show(name, signal), {
    topics: ['job'],
    about: reference,
    every: job => (!job || isActive(job) ? 2_000 : null)
  });
  const job = query.data;
  const title = job && `${shortName(job)} ${job.id.slice(0, 4)}`;
  useEffect(() => {
    if (title) {
      onTitle?.(title);
    }
  }, [title, onTitle]);
  return (
    <>
      <PageHeader
        icon="jobs"
        title={(job?.name ?? '') || trans.__('job %1', short(name))}
        reference={reference}
        code={job && arrayCode(job)}
        mark={job && <State state={shownState(job)} tag />}
      >
        {job && <JobButtons job={job} />}
        {job?.output && !isActive(job) && <OpenOutput path={job.output} />}
        <InsertButton code={job?.code.python} primary={false} />
      </PageHeader>
      <Result query={query}>{data => <JobBody job={data} />}</Result>
    </>
  );
}

function tabsOf(job: IJob, { trans }: IWorkbench): ITab[] {
  const tabs: (ITab | false)[] = [
    job.array !== null && { name: 'elements', label: trans.__('Elements') },
    job.array === null && { name: 'log', label: trans.__('Log') },
    job.array === null && job.notebook !== null && { name: 'output', label: trans.__('Output') },
    job.array === null && { name: 'resources', label: trans.__('Resources') },
    job.array === null && { name: 'parameters', label: trans.__('Parameters') },
    job.array === null && { name: 'code', label: trans.__('Code') },
    job.array === null && { name: 'attempts', label: trans.__('Attempts') },
    { name: 'details', label: trans.__('Details') }
  ];
  return tabs.filter(tab => tab !== false);
}

function JobBody({ job }: { job: IJob }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [chosen, setView] = useState('');
  const [follow, setFollow] = useState(true);
  const search = useLogSearch(job);
  const tabs = tabsOf(job, workbench);
  const view = tabs.some(({ name }) => name === chosen) ? chosen : (tabs[0]?.name ?? '');
  const goToEnd = (): void => {
    setView('log');
    setFollow(true);
    search.type('');
  };
  usePageVerb('mlinfra:jobs-go-to-log-end', goToEnd, job.array === null);
  return (
    <>
      <JobFacts job={job} onCode={() => setView('code')} />
      <JobProgress job={job} />
      {isWaiting(job) && <Waiting job={job} />}
      {job.reason && !isActive(job) && job.state !== 'succeeded' && (
        <p className={cx('more', 'reason')}>{job.reason}</p>
      )}
      <Tabs
        tabs={tabs}
        current={view}
        onSelect={setView}
        note={
          view === 'log' && (
            <>
              <label>
                <input
                  type="checkbox"
                  checked={follow && !search.hit}
                  onChange={event => (event.target.checked ? goToEnd() : setFollow(false))}
                />{' '}
                {trans.__('follow')}
              </label>
              <LogSearchBox search={search} />
            </>
          )
        }
      >
        {view === 'log' ? (
          <LogTab job={job} {...{ search, follow, setFollow }} />
        ) : (
          <Tab job={job} view={view} />
        )}
      </Tabs>
      {isWaiting(job) && (
        <div className={cx('jobs-queue-below')}>
          <Queue current={job} />
        </div>
      )}
      <CodeDrawer code={job.code} />
    </>
  );
}

/** From this width on, in pixels, what a job uses stands beside its log. */
const WIDE = 860;

interface ILogTabProps {
  job: IJob;
  search: ILogSearch;
  follow: boolean;
  setFollow: (follow: boolean) => void;
}

function LogTab({ job, search, follow, setFollow }: ILogTabProps): React.ReactElement {
  const [host, wide] = useWide(WIDE);
  return (
    <div ref={host} className={cx('jobs-log-side')}>
      <JobLog
        job={job}
        hit={search.hit}
        words={search.settled}
        follow={follow}
        onFollow={setFollow}
      />
      {wide && job.state === 'running' && <Resources job={job} />}
    </div>
  );
}

function Tab({ job, view }: { job: IJob; view: string }): React.ReactElement {
  switch (view) {
    case 'elements':
      return <Elements job={job} />;
    case 'output':
      return <Output job={job} />;
    case 'resources':
      return (
        <div className={cx('scroll')}>
          <Resources job={job} />
        </div>
      );
    case 'parameters':
      return <Parameters job={job} />;
    case 'code':
      return <CodeOf job={job} />;
    case 'attempts':
      return <Attempts job={job} />;
    default:
      return <JobDetails job={job} />;
  }
}

/** What it waits for, who holds that, and when it may start. */
function Waiting({ job }: { job: IJob }): React.ReactElement {
  const workbench = useWorkbench();
  const { commands, trans } = workbench;
  const starts = useStarts(true).get(job.id);
  const held = job.held_by !== '';
  const reason = held
    ? trans.__('Held by %1: it starts once it is released.', job.held_by)
    : job.reason;
  const verbs = commands.hasCommand(NOTIFY)
    ? [
        {
          label: trans.__('Notify Me'),
          onClick: () => notify(workbench, job.ref),
          caption: trans.__('Show a notification when it ends')
        }
      ]
    : [];
  return (
    <WaitingCard
      title={held ? trans.__('%1 is on hold', job.name) : trans.__('%1 waits', job.name)}
      reason={reason || trans.__('It starts as soon as the supervisor has seen it.')}
      note={!held && <Starts at={starts} />}
      actions={verbs}
    >
      {kernelsIn(job.reason).map(kernel => (
        <KernelButtons key={kernel.pid} kernel={kernel} named />
      ))}
    </WaitingCard>
  );
}

function JobFacts({ job, onCode }: { job: IJob; onCode: () => void }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const openFile = useOpenFile();
  const { notebook } = job;
  const { pipeline, step } = job.labels;
  const gpus = job.gpu_ids.map(gpuName).join(', ');
  return (
    <Facts>
      {notebook && !notebook.startsWith('.') && (
        <>
          {trans.__('from')} <Link onClick={() => openFile(notebook)}>{notebook}</Link>
        </>
      )}
      {job.array ? (
        <>{trans._n('%1 element', '%1 elements', job.array.size)}</>
      ) : (
        job.attempt > 0 && (
          <>
            {trans.__('attempt')} <b>{job.attempt}</b>
          </>
        )
      )}
      {job.part_of !== null && (
        <>
          {trans.__('element %1 of', job.index ?? 0)}
          <Link onClick={() => void open(formatRef('job', job.part_of ?? ''))}>
            {trans.__('array %1', job.part_of.slice(0, 4))}
          </Link>
        </>
      )}
      {job.gpus > 0 && (
        <>
          {trans._n('%1 GPU', '%1 GPUs', job.gpus)}{' '}
          {[job.gpu_type, gpus && `(${gpus})`].filter(Boolean).join(' ')}
        </>
      )}
      {trans._n('%1 CPU', '%1 CPUs', job.cpus)}
      <span>{job.backend}</span>
      {isWaiting(job) && (
        <>
          {trans.__('priority')} <b>{job.priority}</b>
        </>
      )}
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
          {trans.__('code snapshot')} <Link onClick={onCode}>{format.shortId(job.snapshot)}</Link>
        </>
      )}
      <>
        {trans.__('by')} <b>{job.user}</b>
      </>
    </Facts>
  );
}

function JobProgress({ job }: { job: IJob }): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const running = job.state === 'running';
  const { notebook, started_at: began } = job;
  const { data: like } = useQuery(
    `like:${job.ref}`,
    signal => client.jobs.estimate({ notebook: notebook ?? undefined }, signal),
    { when: running && !job.array && isFormed(job), every: () => null }
  );
  if (!running) {
    return null;
  }
  const fraction =
    job.progress && typeof job.progress.value === 'number' ? job.progress.value : null;
  const seconds = typeof like?.seconds?.value === 'number' ? like.seconds.value : null;
  const usual = began && seconds !== null && seconds > (job.elapsed_seconds ?? 0);
  const end =
    endOf(job) ?? (usual ? new Date(Date.parse(began) + seconds * 1000).toISOString() : null);
  return (
    <div className={cx('bar')}>
      <Progress fraction={fraction} label={trans.__('Progress of %1', job.name)} />
      {job.progress && (
        <Num value={job.progress} strong format={value => format.percent(value, 0)} />
      )}
      <span>{job.progress_text}</span>
      {end && (
        <span className={cx('quiet')}>
          {trans.__('ends')} <Clock at={end} />{' '}
          {!endOf(job) &&
            like &&
            trans._n('from %1 run like it', 'from %1 runs like it', like.like)}
        </span>
      )}
    </div>
  );
}
