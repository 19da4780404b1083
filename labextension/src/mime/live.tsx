import '../../style/mime.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IJob } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { explainError } from '../components/explain';
import { cx } from '../components/cx';
import { Facts } from '../components/header';
import { Icon } from '../components/icon';
import { Num } from '../components/number';
import { Printed } from '../components/printed';
import { Progress } from '../components/progress';
import { State } from '../components/state';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { isActive } from '../jobs/state';
import { kinds } from '../kinds';
import { parseRef } from '../refs';
import { type IPayload, isJob, stateOf } from './payload';
import { rowColumns, shownRows } from './rows';

/** The card of a record in an output. */
export default function LiveCard({ payload }: { payload: IPayload }): React.ReactElement {
  return isJob(payload) ? (
    <JobCard payload={payload} job={payload.record as IJob} />
  ) : (
    <RecordCard payload={payload} />
  );
}

function CardHead({
  payload,
  state,
  children
}: {
  payload: IPayload;
  state: string | null;
  children?: React.ReactNode;
}): React.ReactElement {
  const { open, trans } = useWorkbench();
  return (
    <div className={cx('mime-live-head')} data-mlinfra-ref={payload.ref}>
      {state ? <State state={state} tag /> : <Icon name={kinds.icon(payload.kind)} />}
      <b>{payload.title}</b>
      <span className={cx('ref')}>{payload.ref}</span>
      <span className={cx('space')} />
      {children}
      {parseRef(payload.ref) && (
        <Button label={trans.__('Open')} onClick={() => void open(payload.ref)} />
      )}
    </div>
  );
}

function CardFacts({ facts }: { facts: IPayload['facts'] }): React.ReactElement | null {
  const entries = Object.entries(facts ?? {});
  return entries.length ? (
    <Facts>
      {entries.map(([key, value]) => (
        <React.Fragment key={key}>
          {key} <b>{value}</b>
        </React.Fragment>
      ))}
    </Facts>
  ) : null;
}

function RecordCard({ payload }: { payload: IPayload }): React.ReactElement {
  const rows = shownRows(payload.rows ?? []);
  return (
    <>
      <CardHead payload={payload} state={stateOf(payload.record)} />
      <CardFacts facts={payload.facts} />
      {rows.length > 0 && (
        <Table
          label={payload.title}
          columns={rowColumns(rows)}
          rows={rows}
          row={row => ({ id: String(row.index) })}
        />
      )}
    </>
  );
}

/** The project has no such job: what is shown is as old as the output. */
const GONE = ['not_found', 'no_server'];

/** Why what is shown of a running job may not be how it is now. */
function lookOf({ at, error }: IQuery<IJob>, trans: TranslationBundle): string {
  if (error && !error.lost) {
    return trans.__('%1 This is how it was when the cell ran.', explainError(error, trans).what);
  }
  return at
    ? trans.__('last seen %1 ago', format.span(format.secondsSince(new Date(at).toISOString())))
    : trans.__('the server does not answer; this is how it was when the cell ran');
}

/** Lines of the log at the foot of a job's card. */
const TAIL = 3;

/** A job: its state is asked for while it can change, then the card stays as it is. */
function JobCard({ payload, job: recorded }: { payload: IPayload; job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(recorded.ref, signal => client.jobs.show(recorded.id, signal), {
    topics: ['job'],
    about: recorded.ref,
    when: isActive(recorded),
    every: job => (!job || isActive(job) ? 2_000 : null),
    final: GONE
  });
  const job = query.data ?? recorded;
  const gone = GONE.includes(query.error?.code ?? '');
  const active = isActive(job) && !gone;
  // Another question once the job has ended, so that its last lines are asked for too.
  const tail = useQuery(
    `tail:${recorded.ref}:${active}`,
    signal => client.jobs.log(recorded.id, { tail: TAIL }, signal),
    { when: isActive(recorded) && !gone, every: () => (active ? 2_000 : null) }
  );
  const fraction = typeof job.progress?.value === 'number' ? job.progress.value : null;
  return (
    <>
      <CardHead payload={payload} state={gone && isActive(job) ? null : job.state}>
        {active && (
          <ActionButton command="mlinfra:jobs-cancel" target={job} label={trans.__('Cancel')} />
        )}
      </CardHead>
      {job.state === 'running' && active && (
        <div className={cx('bar')}>
          <Progress fraction={fraction} label={trans.__('Progress of %1', job.name)} />
          {job.progress && (
            <Num value={job.progress} strong format={value => format.percent(value, 0)} />
          )}
          <span className={cx('quiet')}>{job.progress_text}</span>
        </div>
      )}
      {tail.data?.text.trim() && (
        <div
          className={cx('mime-live-log')}
          role="group"
          aria-label={trans.__('End of the log of %1', job.name)}
        >
          <Printed text={tail.data.text.trimEnd()} />
        </div>
      )}
      <JobFoot job={job} query={query} active={active} />
    </>
  );
}

/** Why, for how long, and how old this is. */
function JobFoot({
  job,
  query,
  active
}: {
  job: IJob;
  query: IQuery<IJob>;
  active: boolean;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const isCurrent = active || !isActive(job);
  const duration =
    isCurrent && job.elapsed_seconds !== null && format.duration(job.elapsed_seconds);
  const notes = [
    job.reason,
    duration && (active ? trans.__('running for %1', duration) : trans.__('took %1', duration)),
    active && !query.error && trans.__('the kernel stays free'),
    query.error && isActive(job) && lookOf(query, trans)
  ];
  return (
    <div className={cx('mime-live-foot')} data-reason={job.reason || undefined}>
      {notes.filter(Boolean).join(' · ')}
    </div>
  );
}
