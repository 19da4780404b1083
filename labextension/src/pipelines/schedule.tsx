import '../../style/pipelines.css';

import React from 'react';

import type { IFiring, ISchedule } from '../api/types';
import { ActionButton } from '../components/action';
import { Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { More } from '../components/more';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { dueWords, firingLook, policyWords, untilWords, whenWords, zoneName } from './due';
import type { Values } from './parameters';
import { localZone } from './scheduleForm';

/** The page of a schedule: when it is due, and what became of each due time. */
export default function SchedulePage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.schedules.show(name, signal), {
    topics: ['schedule', 'step']
  });
  const history = useList(
    `${reference} history`,
    (limit, signal) => client.schedules.history(name, { limit }, signal),
    {
      topics: ['schedule', 'step', 'job'],
      about: [
        reference,
        query.data?.pipeline ? formatRef('pipeline', query.data.pipeline) : [],
        query.data?.last?.job ? formatRef('job', query.data.last.job) : []
      ].flat()
    }
  );
  const schedule = query.data;
  const paused = schedule?.state === 'paused';
  return (
    <>
      <PageHeader
        icon="clock"
        title={name}
        reference={reference}
        mark={schedule && <State state={schedule.state} tag />}
      >
        {schedule && (
          <>
            <ActionButton
              kind="primary"
              command="mlinfra:schedules-run-now"
              target={schedule}
              label={trans.__('Run Now')}
            />
            <ActionButton
              command={paused ? 'mlinfra:schedules-resume' : 'mlinfra:schedules-pause'}
              target={schedule}
              label={paused ? trans.__('Resume') : trans.__('Pause')}
            />
            <ActionButton
              command="mlinfra:schedules-edit"
              target={schedule}
              label={trans.__('Edit…')}
            />
            <ActionButton
              command="mlinfra:schedules-delete"
              target={schedule}
              label={trans.__('Delete…')}
            />
          </>
        )}
        <InsertButton code={schedule?.code.python} primary={false} />
      </PageHeader>
      <Result query={query}>
        {data => (
          <>
            <ScheduleFacts schedule={data} />
            <div className={cx('scroll', 'split')}>
              <NextTimes schedule={data} />
              <Heading title={trans.__('Due times')} note={trans.__('newest first')} />
              <Result query={history.query}>
                {page => (
                  <>
                    {page.items.length ? (
                      <History schedule={data} firings={page.items} />
                    ) : (
                      <p className={cx('more')}>{trans.__('No time was due yet.')}</p>
                    )}
                    <More page={page} onMore={history.onMore} />
                  </>
                )}
              </Result>
            </div>
            <CodeDrawer code={data.code} />
          </>
        )}
      </Result>
    </>
  );
}

function ScheduleFacts({ schedule }: { schedule: ISchedule }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const openFile = useOpenFile();
  const { what, pipeline, job, parameters, catchup, overlap, grace_seconds } = schedule;
  const preset = Object.entries({
    ...(job?.parameters as Values | undefined),
    ...parameters
  });
  const notebook = typeof job?.notebook === 'string' ? job.notebook : '';
  const missed = policyWords.catchup(trans)[catchup];
  const go = (): void => (pipeline ? void open(what) : openFile(notebook));
  return (
    <Facts>
      {pipeline || notebook ? <Link onClick={go}>{what}</Link> : <span>{what}</span>}
      {preset.length > 0 && (
        <span>{preset.map(([name, value]) => `${name}=${format.cell(value)}`).join(', ')}</span>
      )}
      <>{whenWords(schedule, trans)}</>
      <>{trans.__('if a time was missed: %1, within %2', missed, format.span(grace_seconds))}</>
      <>{trans.__('if the last one still runs: %1', policyWords.overlap(trans)[overlap])}</>
    </Facts>
  );
}

function NextTimes({
  schedule: { next, next_notes, state, problem }
}: {
  schedule: ISchedule;
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Heading
        title={trans.__('Next')}
        note={
          state === 'paused'
            ? trans.__('paused: nothing is started')
            : next[0] && untilWords(next[0], trans)
        }
      />
      {problem && <p className={cx('tone-wait')}>{problem}</p>}
      <DueList times={next.map((at, index) => ({ at, note: next_notes[index] ?? '' }))} />
    </>
  );
}

/** Due times beside each other; a day on which the clocks change says so. */
export function DueList({
  times
}: {
  times: readonly { at: string; note: string }[];
}): React.ReactElement {
  return (
    <ul className={cx('pipelines-due-times')}>
      {times.map(({ at, note }) => (
        <li key={at} data-due={at}>
          {dueWords(at)}
          {note && (
            <span className={cx('tone-wait')} data-reason={note}>
              {' '}
              {note}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

interface IHistoryProps {
  schedule: ISchedule;
  firings: readonly IFiring[];
}

function History({ schedule, firings }: IHistoryProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans, open } = workbench;
  const target = ({ run, job }: IFiring): string | null =>
    job ? formatRef('job', job) : run && schedule.pipeline ? schedule.what : null;
  return (
    <Table
      label={trans.__('Due times of %1', schedule.name)}
      columns={historyColumns(schedule, clock(firings.map(firing => firing.started_at)), workbench)}
      rows={firings}
      row={firing => ({ id: idOf(firing), ref: target(firing) ?? undefined })}
      onOpen={id => {
        const firing = firings.find(item => idOf(item) === id);
        const ref = firing && target(firing);
        if (ref) {
          void open(ref);
        }
      }}
    />
  );
}

const idOf = ({ due, cause, started_at }: IFiring): string => [due, cause, started_at].join(' ');

function historyColumns(
  schedule: ISchedule,
  time: ReturnType<typeof clock>,
  { trans }: IWorkbench
): IColumnSpec<IFiring>[] {
  const causes: Readonly<Record<IFiring['cause'], string>> = {
    clock: trans.__('clock'),
    catchup: trans.__('caught up'),
    hand: trans.__('by hand')
  };
  // Times of two zones stand beside each other only with their names.
  const within = (word: string, tz: string): string =>
    schedule.tz === localZone() ? word : trans.__('%1, %2', word, zoneName(tz));
  return [
    {
      key: 'due',
      head: within(trans.__('due'), schedule.tz),
      width: 150,
      cell: ({ due }) => dueWords(due)
    },
    {
      key: 'state',
      head: trans.__('state'),
      width: 110,
      cell: firing => <State state={firingLook(firing)} />
    },
    { key: 'cause', head: trans.__('cause'), width: 90, cell: ({ cause }) => causes[cause] },
    {
      key: 'started',
      head: within(trans.__('started'), localZone()),
      width: 110,
      cell: ({ started_at }) => time(started_at)
    },
    {
      key: 'reason',
      head: trans.__('reason'),
      cell: ({ reason }) => (
        <span className={cx('clip')} title={reason}>
          {reason}
        </span>
      )
    },
    {
      key: 'verbs',
      head: '',
      width: 90,
      sticky: true,
      cell: firing =>
        firing.state === 'missed' || firing.state === 'skipped' || firing.state === 'failed' ? (
          <ActionButton
            command="mlinfra:schedules-run-now"
            target={schedule}
            args={{ due: firing.due }}
            label={trans.__('Run Now')}
          />
        ) : null
    }
  ];
}
