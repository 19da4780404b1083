import React from 'react';

import type { IAttempt, ICodeSnapshot, IJob, IPage } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Pairs } from '../components/pairs';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { RefLink } from '../components/reflink';
import { isActive } from './state';

/** The code that a job runs from, and what of the project it does not hold. */
export function CodeOf({ job }: { job: IJob }): React.ReactElement {
  const { client, code, trans } = useWorkbench();
  const query = useQuery(`code:${job.ref}`, signal => client.jobs.code(job.id, signal), { every: () => null });
  return (
    <div className={cx('scroll')}>
      <Result query={query} rows={3}>
        {snapshot =>
          snapshot === null ? (
            <p className={cx('more')}>{trans.__('It runs no file of the project, so no code was kept.')}</p>
          ) : (
            <>
              <Pairs
                pairs={[
                  [trans.__('snapshot'), <code key="id">{snapshot.id}</code>],
                  [trans.__('git commit'), snapshot.commit ? <code key="commit">{snapshot.commit}</code> : ''],
                  [trans.__('files'), <Num key="files" value={snapshot.files} />],
                  [trans.__('size'), format.bytes(snapshot.size)]
                ]}
              />
              <p className={cx('more')}>
                <Button icon="copy" label={trans.__('Copy Snapshot Id')} onClick={() => code.copy(snapshot.id)} />
              </p>
              <LeftOut snapshot={snapshot} />
            </>
          )
        }
      </Result>
    </div>
  );
}

function LeftOut({ snapshot }: { snapshot: ICodeSnapshot }): React.ReactElement {
  const { trans } = useWorkbench();
  const left = snapshot.left_out;
  if (!left.length) {
    return <p className={cx('more')}>{trans.__('Nothing was left out.')}</p>;
  }
  const columns: IColumnSpec<(typeof left)[number]>[] = [
    { key: 'path', head: trans.__('file'), cell: file => <span className={cx('cell')}>{file.path}</span> },
    { key: 'size', head: trans.__('size'), cell: file => format.bytes(file.size), end: true },
    { key: 'why', head: trans.__('why'), cell: file => file.why }
  ];
  return (
    <>
      <Heading title={trans.__('Left out')} note={trans.__('the job sees the project’s own file, as it is then')} />
      <Table label={trans.__('Left out')} columns={columns} rows={left} row={file => ({ id: file.path })} />
    </>
  );
}

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
  const took = ({ began_at: began, ended_at: ended }: IAttempt): string =>
    format.duration(began && ended ? (Date.parse(ended) - Date.parse(began)) / 1000 : null);
  const columns: IColumnSpec<IAttempt>[] = [
    { key: 'number', head: '#', cell: attempt => attempt.number, width: 36 },
    { key: 'began', head: trans.__('began'), cell: attempt => format.time(attempt.began_at) },
    { key: 'ended', head: trans.__('ended'), cell: attempt => format.time(attempt.ended_at) },
    { key: 'took', head: trans.__('took'), cell: took, end: true },
    { key: 'code', head: trans.__('exit code'), cell: attempt => attempt.exit_code ?? format.DASH, end: true },
    { key: 'log', head: trans.__('log'), cell: attempt => format.bytes(attempt.log_bytes), end: true },
    {
      key: 'reason',
      head: trans.__('reason'),
      cell: attempt => (
        <span className={cx('cell', 'is-wide')} title={attempt.reason}>
          {attempt.reason || format.DASH}
        </span>
      )
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

/** What a job was asked for, in full. */
export function JobDetails({ job }: { job: IJob }): React.ReactElement {
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
        [trans.__('after'), job.after.length > 0 && job.after.map(id => <JobRef key={id} id={id} />)],
        [trans.__('array'), job.part_of && <JobRef id={job.part_of} />],
        [trans.__('output'), job.output],
        [trans.__('checkpoints'), job.checkpoints],
        [trans.__('GPU type'), job.gpu_type],
        [trans.__('memory'), job.memory_gib !== null && trans.__('%1 GiB', format.number(job.memory_gib))],
        [trans.__('time limit'), job.time_limit_minutes !== null && trans.__('%1 min', job.time_limit_minutes)],
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
      <RefLink reference={formatRef('job', id)}>{format.shortId(id)}</RefLink>{' '}
    </>
  );
}
