import '../../style/jobs.css';

import React, { useState } from 'react';

import type { ICodePreview, ICodeSnapshot, IJob } from '../api/types';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { explainError } from '../components/explain';
import { cx } from '../components/cx';
import { Diff } from '../components/diff';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Pairs } from '../components/pairs';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { PAGE } from '../hooks/list';
import { useQuery } from '../hooks/query';

const never = (): null => null;
/** Between two looks at the files, in milliseconds. */
const LOOK = 30_000;
/** The longest list that the server gives. */
const MOST = 500;

/**
 * What a job that is submitted now would run from: how many files, what is not committed, what is
 * left out and why.
 */
export function CodeLine({ notebook }: { notebook: string }): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const [open, setOpen] = useState(false);
  const [limit, setLimit] = useState(PAGE);
  const { data, error } = useQuery(
    `preview:${notebook}:${limit}`,
    signal => client.jobs.preview(notebook, limit, signal),
    { every: () => LOOK, list: `preview:${notebook}` }
  );
  if (error && !error.lost) {
    const { what, why } = explainError(error, trans);
    return (
      <p className={cx('more', 'jobs-form-line', 'tone-bad')}>
        {[trans.__('Code'), what, why].join(' ')}
      </p>
    );
  }
  if (!data) {
    return null;
  }
  const { uncommitted, left_out: left } = data;
  return (
    <>
      <p className={cx('more', 'jobs-form-line')}>
        {trans.__('Code: %1', describe(data, trans))} · {format.bytes(data.size)}{' '}
        {uncommitted.total + left.total > 0 && (
          <Link open={open} onClick={() => setOpen(!open)}>
            {trans.__('why')}
          </Link>
        )}
      </p>
      {open && (
        <section aria-label={trans.__('What the snapshot of the code holds')}>
          {uncommitted.total > 0 && (
            <>
              <Heading title={trans.__('Not committed')} note={trans.__('held as they are now')} />
              <Table
                label={trans.__('Not committed')}
                columns={[
                  { key: 'path', head: trans.__('file'), cell: path => <FileName path={path} /> }
                ]}
                rows={uncommitted.items}
                row={path => ({ id: path })}
              />
              <More page={uncommitted} {...growing(limit, setLimit)} />
            </>
          )}
          {left.total > 0 && (
            <>
              <LeftOut left={left.items} />
              <More page={left} {...growing(limit, setLimit)} />
            </>
          )}
        </section>
      )}
    </>
  );

  function growing(
    shown: number,
    grow: (limit: number) => void
  ): { onMore?: () => void; rest: string } {
    return {
      onMore: shown < MOST ? () => grow(MOST) : undefined,
      rest: trans.__('git status lists all')
    };
  }
}

function describe(
  { files, commit, uncommitted, left_out: left }: ICodePreview,
  trans: ReturnType<typeof useWorkbench>['trans']
): string {
  const parts = [
    trans._n('snapshot of %1 file', 'snapshot of %1 files', files),
    commit
      ? uncommitted.total > 0 && trans.__('%1 uncommitted', uncommitted.total)
      : trans.__('no git commit'),
    left.total > 0 && trans.__('%1 left out', left.total)
  ];
  return parts.filter(Boolean).join(', ');
}

/**
 * The code that a job runs from, how it differs from its commit, and what of the project it does
 * not hold.
 */
export function CodeOf({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(`code:${job.ref}`, signal => client.jobs.code(job.id, signal), {
    every: never
  });
  return (
    <div className={cx('scroll')}>
      <Result query={query} rows={3}>
        {snapshot =>
          snapshot === null ? (
            <p className={cx('more')}>
              {trans.__('It runs no file of the project, so no code was kept.')}
            </p>
          ) : (
            <Snapshot job={job} snapshot={snapshot} />
          )
        }
      </Result>
    </div>
  );
}

function Snapshot({ job, snapshot }: { job: IJob; snapshot: ICodeSnapshot }): React.ReactElement {
  const { code, trans } = useWorkbench();
  const [open, setOpen] = useState(false);
  const { id, commit, uncommitted, left_out: left } = snapshot;
  return (
    <>
      <p className={cx('more')}>
        {trans.__('Code: snapshot')} <code title={id}>{format.shortId(id)}</code>
        {' · '}
        {commit ? (
          <>
            git <code title={commit}>{commit.slice(0, 7)}</code>{' '}
            {uncommitted === 0
              ? trans.__('without changes')
              : uncommitted !== null &&
                trans._n('+ %1 uncommitted file', '+ %1 uncommitted files', uncommitted)}
          </>
        ) : (
          trans.__('no git commit')
        )}{' '}
        {Boolean(uncommitted) && (
          <Link open={open} onClick={() => setOpen(!open)}>
            {trans.__('diff')}
          </Link>
        )}
      </p>
      {open && <FromCommit job={job} />}
      <Pairs
        pairs={[
          [trans.__('files'), <Num key="files" value={snapshot.files} />],
          [trans.__('size'), format.bytes(snapshot.size)]
        ]}
      />
      <p className={cx('more')}>
        <Button icon="copy" label={trans.__('Copy Snapshot Id')} onClick={() => code.copy(id)} />
      </p>
      {left.length ? (
        <LeftOut left={left} />
      ) : (
        <p className={cx('more')}>{trans.__('Nothing was left out.')}</p>
      )}
    </>
  );
}

const FIRST_BYTES = 200_000;
const MOST_BYTES = 4_000_000;

/**
 * How the code differs from its commit: what is added and taken out has its sign and its colour.
 */
function FromCommit({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [limit, setLimit] = useState(FIRST_BYTES);
  const query = useQuery(
    `diff:${job.ref}:${limit}`,
    signal => client.jobs.diff(job.id, limit, signal),
    {
      every: never,
      list: `diff:${job.ref}`
    }
  );
  const label = trans.__('Difference from the commit');
  return (
    <Result query={query} rows={3}>
      {diff => (
        <>
          <Diff text={diff?.text ?? ''} label={label} />
          {diff && diff.shown < diff.total && (
            <p className={cx('more')}>
              {trans.__('%1 of %2', format.bytes(diff.shown), format.bytes(diff.total))}
              {' · '}
              {limit < MOST_BYTES ? (
                <Link onClick={() => setLimit(MOST_BYTES)}>{trans.__('show more')}</Link>
              ) : (
                trans.__('the rest was too long to be kept')
              )}
            </p>
          )}
        </>
      )}
    </Result>
  );
}

function LeftOut({ left }: { left: ICodeSnapshot['left_out'] }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Heading
        title={trans.__('Left out')}
        note={trans.__('the job reads the project’s own file as it is at that time')}
      />
      <Table
        label={trans.__('Left out')}
        columns={[
          { key: 'path', head: trans.__('file'), cell: file => <FileName path={file.path} /> },
          { key: 'size', head: trans.__('size'), cell: file => format.bytes(file.size), end: true },
          { key: 'why', head: trans.__('why'), cell: file => file.why }
        ]}
        rows={left}
        row={file => ({ id: file.path })}
      />
    </>
  );
}

const FileName = ({ path }: { path: string }): React.ReactElement => (
  <span className={cx('cell')}>{path}</span>
);
