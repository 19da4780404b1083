import '../../style/jobs.css';

import React, { useLayoutEffect, useMemo, useRef } from 'react';

import type { IJob, IPage, IQueuedJob } from '../api/types';
import { Key } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading, PageHeader } from '../components/header';
import { More } from '../components/more';
import { labelled, Num } from '../components/number';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IPageProps, IWorkbench } from '../tokens';
import { Clock } from './starts';
import { arrayCode, linesOf, targetOf } from './lines';
import { shownState } from './state';

/** Jobs that run are at most so many lines above those that wait. */
const RUNNING = 50;

/** A line of the table: one that runs, or one of the queue. */
interface ILine {
  id: string;
  /** What a verb means by it. */
  target: string;
  position: number | null;
  job: IJob;
  elements: number;
  starts: string | null;
}

/** What waits, and above it what runs. */
interface IQueueData extends IPage<IQueuedJob> {
  running: IPage<IJob>;
}

/** The page of the queue. */
export default function QueuePage({ reference }: IPageProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <PageHeader icon="queue" title={trans.__('Queue')} reference={reference} />
      <Queue />
    </>
  );
}

/**
 * What runs and what waits, in the order in which it may start. current: the job whose page it
 * stands on.
 */
export function Queue({ current }: { current?: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const fetch = async (limit: number, signal: AbortSignal): Promise<IQueueData> => {
    const [running, waiting] = await Promise.all([
      client.jobs.list({ state: 'running', limit: RUNNING }, signal),
      client.jobs.queue({ limit }, signal)
    ]);
    return { ...waiting, running };
  };
  const { query, onMore } = useList('queue', fetch, {
    topics: ['job'],
    every: data => (data?.items.length ? 5_000 : 15_000)
  });
  return (
    <>
      <Heading
        title={current ? trans.__('Queue') : trans.__('Running and waiting')}
        note={
          query.data &&
          trans.__(
            '%1 running, %2 waiting',
            format.number(query.data.running.total),
            format.number(query.data.total)
          )
        }
      >
        <span className={cx('jobs-key-notes', 'quiet')}>
          {trans.__('priority')} <Key>Alt ↑↓</Key> {trans.__('hold')} <Key>h</Key>
        </span>
      </Heading>
      <div className={cx('scroll', 'jobs-queue')}>
        <Result query={query}>
          {data => <Lines data={data} current={current} onMore={onMore} />}
        </Result>
      </div>
    </>
  );
}

/** The lines of the table: what runs, then the queue. */
export function tableLines({ running, items }: Pick<IQueueData, 'running' | 'items'>): ILine[] {
  const met = new Map<string, number>();
  return [
    ...running.items.map((job): ILine => ({
      id: `running ${job.id}`,
      target: job.id,
      position: null,
      job,
      elements: 1,
      starts: job.started_at
    })),
    ...linesOf(items).map((line): ILine => {
      const target = targetOf(line);
      // other jobs may stand between the elements of an array
      const turn = (met.get(target) ?? 0) + 1;
      met.set(target, turn);
      return { id: `${target} ${turn}`, target, ...line };
    })
  ];
}

/** A line that goes elsewhere takes the focus along: a browser takes it from what is moved. */
function useFollow(
  lines: readonly ILine[]
): [host: React.RefObject<HTMLDivElement>, follow: (id: string) => void] {
  const host = useRef<HTMLDivElement>(null);
  const followed = useRef('');
  useLayoutEffect(() => {
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (followed.current && lost) {
      host.current?.querySelector<HTMLElement>(`[data-row="${followed.current}"]`)?.focus();
    }
  }, [lines]);
  return [
    host,
    id => {
      followed.current = id;
    }
  ];
}

const rowOf = (node: Element): string => node.closest<HTMLElement>('[data-row]')?.dataset.row ?? '';

/**
 * What a verb on a line means: the job, or the array as those of its elements show it that wait.
 */
function targetJob({ target, job, elements }: ILine): IJob {
  return target === job.id
    ? job
    : {
        ...job,
        id: target,
        ref: `job:${target}`,
        part_of: null,
        array: { size: elements, max_parallel: null, states: { queued: elements }, elements: [] }
      };
}

interface ILinesProps {
  data: IQueueData;
  current?: IJob;
  onMore?: () => void;
}

function Lines({ data, current, onMore }: ILinesProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const lines = useMemo(() => tableLines(data), [data]);
  const [host, follow] = useFollow(lines);
  if (!lines.length) {
    return (
      <EmptyCard sentence={trans.__('Nothing runs and nothing waits.')} code="mlinfra jobs queue" />
    );
  }
  const own =
    current && lines.find(line => line.target === current.id || line.job.part_of === current.id);
  return (
    <div ref={host} onFocus={event => follow(rowOf(event.target))}>
      <Table
        label={trans.__('Queue')}
        columns={columns(workbench)}
        rows={lines}
        row={line => ({
          id: line.id,
          ref: `job:${line.target}`,
          item: targetJob(line),
          code:
            line.elements > 1
              ? { call: 'jobs-array', values: { job: line.target } }
              : arrayCode(line.job)
        })}
        current={own?.id}
      />
      <More page={data} onMore={onMore} />
    </div>
  );
}

/** When it may end, from how far it says to be; cells of a notebook tell nothing of time. */
export function endOf({
  progress,
  progress_text: progressText,
  started_at: began,
  elapsed_seconds: ran,
  array
}: IJob): string | null {
  const done = progress?.value;
  return typeof done === 'number' &&
    done > 0 &&
    began &&
    ran &&
    !array &&
    !progressText.startsWith('cell ')
    ? new Date(Date.parse(began) + (ran / Math.min(1, done)) * 1000).toISOString()
    : null;
}

/** Its place in the queue; elements of an array that stand behind each other take several. */
const placeOf = ({ position, elements }: ILine): number | string | null =>
  position !== null && elements > 1 ? `${position}–${position + elements - 1}` : position;

function columns({ trans }: IWorkbench): IColumnSpec<ILine>[] {
  const size = ({ job, elements }: ILine): string =>
    elements > 1
      ? trans._n('%1 element', '%1 elements', elements)
      : job.array
        ? trans._n('%1 element', '%1 elements', job.array.size)
        : '';
  return [
    { key: 'position', head: '#', figure: placeOf, width: 44 },
    {
      key: 'state',
      head: trans.__('state'),
      cell: ({ job }) => <State state={shownState(job)} />,
      width: 96
    },
    {
      key: 'job',
      head: trans.__('job'),
      cell: line => (
        <span className={cx('cell')} title={line.job.name}>
          {line.elements > 1 ? line.job.name.replace(/\/\d+$/, '') : line.job.name}{' '}
          <span className={cx('row-note')}>{line.target.slice(0, 4)}</span>{' '}
          <span className={cx('quiet')}>{size(line)}</span>
        </span>
      )
    },
    { key: 'user', head: trans.__('user'), cell: ({ job }) => job.user },
    {
      key: 'gpus',
      head: trans.__('GPUs'),
      figure: ({ job }) => job.gpus,
      cell: ({ job }) => (
        <>
          {job.gpu_type && <span className={cx('quiet')}>{job.gpu_type} × </span>}
          <Num value={job.gpus} />
        </>
      )
    },
    { key: 'cpus', head: trans.__('CPUs'), figure: ({ job }) => job.cpus },
    { key: 'priority', head: trans.__('priority'), figure: ({ job }) => job.priority },
    {
      key: 'reason',
      head: trans.__('waits for'),
      cell: ({ job, position }) => <Waits job={job} waits={position !== null} />
    },
    {
      key: 'starts',
      head: trans.__('starts'),
      cell: ({ starts, position }) =>
        starts === null ? (
          format.DASH
        ) : position === null ? (
          <Num value={labelled(format.time(starts))} />
        ) : (
          <Clock at={starts} />
        ),
      end: true
    },
    {
      key: 'ends',
      head: trans.__('ends'),
      cell: ({ job, position }) => {
        const at = position === null ? endOf(job) : null;
        return at === null ? format.DASH : <Clock at={at} />;
      },
      end: true
    }
  ];
}

function Waits({ job, waits }: { job: IJob; waits: boolean }): React.ReactElement {
  const { trans } = useWorkbench();
  if (!waits) {
    return <>{format.DASH}</>;
  }
  const reason = job.held_by ? trans.__('held by %1', job.held_by) : job.reason;
  return (
    <span className={cx('cell', 'is-wide')} data-reason={reason} title={reason}>
      {reason || trans.__('It starts as soon as the supervisor has seen it.')}
    </span>
  );
}
