import React from 'react';

import type { IAttempt, IJob, IJobParameter, IPage } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { More } from '../components/more';
import { Pairs } from '../components/pairs';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { RefLink } from '../components/reflink';
import { isActive } from './state';

/** Every start of a job. */
export function Attempts({ job }: { job: IJob }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { query, onMore } = useList(
    `attempts:${job.ref}`,
    (limit, signal) => client.jobs.attempts(job.id, { limit }, signal),
    { topics: ['job'], about: job.ref, every: () => (isActive(job) ? 5_000 : null) }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={query} rows={2}>
        {page =>
          page.items.length ? (
            <AttemptTable page={page} onMore={onMore} workbench={workbench} />
          ) : (
            <p className={cx('more')}>{trans.__('It has not started yet.')}</p>
          )
        }
      </Result>
    </div>
  );
}

interface IAttemptsProps {
  page: IPage<IAttempt>;
  onMore?: () => void;
  workbench: IWorkbench;
}

function AttemptTable({ page, onMore, workbench: { trans } }: IAttemptsProps): React.ReactElement {
  const took = ({ began_at: began, ended_at: ended }: IAttempt): number | null =>
    began && ended ? (Date.parse(ended) - Date.parse(began)) / 1000 : null;
  const time = clock(page.items.flatMap(({ began_at: began, ended_at: ended }) => [began, ended]));
  const columns: IColumnSpec<IAttempt>[] = [
    { key: 'number', head: '#', figure: attempt => attempt.number, width: 36 },
    { key: 'began', head: trans.__('began'), cell: attempt => time(attempt.began_at) },
    { key: 'ended', head: trans.__('ended'), cell: attempt => time(attempt.ended_at) },
    { key: 'took', head: trans.__('took'), figure: took, write: format.duration },
    { key: 'code', head: trans.__('exit code'), figure: attempt => attempt.exit_code },
    {
      key: 'log',
      head: trans.__('log'),
      figure: attempt => attempt.log_bytes,
      write: format.bytes
    },
    {
      key: 'reason',
      head: trans.__('reason'),
      wrap: true,
      cell: attempt => attempt.reason || format.DASH
    }
  ];
  return (
    <>
      <Table
        label={trans.__('Attempts')}
        columns={columns}
        rows={page.items}
        row={attempt => ({ id: String(attempt.number) })}
      />
      <More page={page} onMore={onMore} />
    </>
  );
}

/**
 * The parameters that a job ran with; those that the submit did not say are the defaults of its
 * notebook then.
 */
export function Parameters({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(`values:${job.ref}`, signal => client.jobs.values(job.id, signal), {
    every: () => null
  });
  const columns: IColumnSpec<IJobParameter>[] = [
    { key: 'name', head: trans.__('parameter'), cell: ({ name }) => name },
    {
      key: 'value',
      head: trans.__('value'),
      cell: ({ value }) => <code>{JSON.stringify(value)}</code>
    },
    {
      key: 'type',
      head: trans.__('type'),
      cell: ({ type }) => <span className={cx('quiet')}>{type || format.DASH}</span>
    },
    {
      key: 'given',
      head: trans.__('from'),
      cell: ({ given }) =>
        given ? (
          trans.__('this submit')
        ) : (
          <span className={cx('quiet')}>{trans.__('the notebook')}</span>
        )
    }
  ];
  return (
    <div className={cx('scroll')}>
      <Result query={query} rows={2}>
        {values =>
          values.length ? (
            <Table
              label={trans.__('Parameters')}
              columns={columns}
              rows={values}
              row={({ name }) => ({ id: name })}
            />
          ) : (
            <p className={cx('more')}>{trans.__('It takes no parameters.')}</p>
          )
        }
      </Result>
    </div>
  );
}

/** What a job was asked for, in full. */
export function JobDetails({ job }: { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  const time = clock([job.submitted_at, job.started_at, job.ended_at]);
  return (
    <Pairs
      pairs={[
        [trans.__('id'), job.id],
        [trans.__('notebook'), job.notebook],
        [trans.__('command'), job.command.join(' ')],
        [trans.__('submitted'), time(job.submitted_at)],
        [trans.__('started'), time(job.started_at)],
        [trans.__('ended'), time(job.ended_at)],
        [
          trans.__('after'),
          job.after.length > 0 && job.after.map(id => <JobRef key={id} id={id} />)
        ],
        [trans.__('array'), job.part_of && <JobRef id={job.part_of} />],
        [trans.__('output'), job.output],
        [trans.__('checkpoints'), job.checkpoints],
        [trans.__('GPU type'), job.gpu_type],
        [
          trans.__('memory'),
          job.memory_gib !== null && trans.__('%1 GiB', format.number(job.memory_gib))
        ],
        [
          trans.__('time limit'),
          job.time_limit_minutes !== null && trans.__('%1 min', job.time_limit_minutes)
        ],
        [trans.__('priority'), job.priority],
        [trans.__('retries'), job.retries],
        [trans.__('backend'), [job.backend, job.queue, job.remote].filter(Boolean).join(' · ')],
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

function JobRef({ id }: { id: string }): React.ReactElement {
  return (
    <>
      <RefLink reference={formatRef('job', id)} />{' '}
    </>
  );
}
