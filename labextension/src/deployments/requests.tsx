import '../../style/deployments.css';

import React, { useState } from 'react';

import type { IRequestQuery } from '../api/deployments';
import type { IDeployment, ILoggedRequest, IPage } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Select } from '../components/select';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { RequestDetail } from './request';

/** Seconds, up to now. */
const WINDOWS = [900, 3_600, 21_600, 86_400, 604_800];
const FEATURES_SHOWN = 3;

export type RowKey = Pick<ILoggedRequest, 'id' | 'at' | 'row'>;

interface IRequestsProps {
  deployment: IDeployment;
  /** The request that is open beside the list. */
  chosen: RowKey | null;
  onChoose: (row: RowKey | null) => void;
  /** Take a body to Try It. */
  onTry: (body: unknown) => void;
  /** Called with the body of the open request, for its code; null while none can be repeated. */
  onBody: (body: unknown) => void;
}

const keyOf = ({ id, at, row }: RowKey): string => `${at} ${id} ${row}`;

/** The payload log: newest first, a page at a time, and one request of it. */
export function Requests(props: IRequestsProps): React.ReactElement {
  const { deployment, chosen, onChoose } = props;
  const { client, trans } = useWorkbench();
  const [filter, setFilter] = useState<IRequestQuery>({});
  /** The cursors of the pages up to this one; the newest page has none. */
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors[cursors.length - 1];
  const list = `requests:${deployment.name}`;
  const query = useQuery(
    `${list}:${JSON.stringify([filter, cursor])}`,
    signal => client.deployments.requests(deployment.name, { ...filter, cursor }, signal),
    { list, every: () => (cursor ? null : 10_000) }
  );
  const change = (next: IRequestQuery): void => {
    setFilter({ ...filter, ...next });
    setCursors([]);
  };
  return (
    <>
      <Heading title={trans.__('Requests')} note={trans.__('payload log, newest first')} />
      <Filters deployment={deployment} filter={filter} onFilter={change} />
      <div className={cx(chosen && 'deployments-beside')}>
        <div>
          <Result query={query}>
            {page => (
              <>
                {page.items.length || cursors.length ? (
                  <RequestTable
                    page={page}
                    chosen={chosen}
                    onChoose={onChoose}
                    name={deployment.name}
                  />
                ) : (
                  <NoRequests filtered={Object.values(filter).some(Boolean)} />
                )}
                <Pages page={page} cursors={cursors} onCursors={setCursors} />
              </>
            )}
          </Result>
        </div>
        {chosen && (
          <RequestDetail
            key={keyOf(chosen)}
            name={deployment.name}
            row={chosen}
            onClose={() => onChoose(null)}
            onTry={props.onTry}
            onBody={props.onBody}
          />
        )}
      </div>
    </>
  );
}

interface IFiltersProps {
  deployment: IDeployment;
  filter: IRequestQuery;
  onFilter: (filter: IRequestQuery) => void;
}

function Filters({ deployment, filter, onFilter }: IFiltersProps): React.ReactElement {
  const { trans } = useWorkbench();
  const all = { value: '', label: trans.__('all') };
  return (
    <div className={cx('bar')} role="group" aria-label={trans.__('Filter the requests')}>
      <Select
        label={trans.__('version')}
        value={filter.version ?? ''}
        options={[
          all,
          ...deployment.versions.map(({ version }) => ({ value: version, label: version }))
        ]}
        onChange={version => onFilter({ version: version || undefined })}
      />
      <Select
        label={trans.__('status')}
        value={filter.outcome ?? ''}
        options={[
          all,
          { value: 'answered', label: trans.__('answered') },
          { value: 'refused', label: trans.__('refused (4xx)') },
          { value: 'failed', label: trans.__('failed (5xx)') }
        ]}
        onChange={outcome =>
          onFilter({ outcome: (outcome || undefined) as IRequestQuery['outcome'] })
        }
      />
      <Select
        label={trans.__('of the last')}
        value={String(filter.since ?? '')}
        options={[
          all,
          ...WINDOWS.map(seconds => ({ value: String(seconds), label: format.span(seconds) }))
        ]}
        onChange={since => onFilter({ since: since ? Number(since) : undefined })}
      />
    </div>
  );
}

function NoRequests({ filtered }: { filtered: boolean }): React.ReactElement {
  const { trans } = useWorkbench();
  return filtered ? (
    <p className={cx('more')}>{trans.__('No request fits this filter.')}</p>
  ) : (
    <EmptyCard
      sentence={trans.__(
        'Each request that the deployment gets is logged with its answer. None has come yet: ask it once by Try It.'
      )}
    />
  );
}

interface IPagesProps {
  page: IPage<ILoggedRequest>;
  cursors: readonly string[];
  onCursors: (cursors: readonly string[]) => void;
}

/** The ways to newer and older pages; a log is not counted, so there is no number of pages. */
function Pages({ page, cursors, onCursors }: IPagesProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const { cursor, note } = page;
  return cursors.length || cursor ? (
    <div className={cx('bar')}>
      <span aria-live="polite" className={cx('quiet')}>
        {[trans.__('page %1', cursors.length + 1), note].filter(Boolean).join(' · ')}
      </span>
      <Button label={trans.__('Newest')} disabled={!cursors.length} onClick={() => onCursors([])} />
      <Button
        label={trans.__('Newer')}
        disabled={!cursors.length}
        onClick={() => onCursors(cursors.slice(0, -1))}
      />
      <Button
        label={trans.__('Older')}
        disabled={!cursor}
        onClick={() => cursor && onCursors([...cursors, cursor])}
      />
    </div>
  ) : null;
}

interface IRequestTableProps {
  name: string;
  page: IPage<ILoggedRequest>;
  chosen: RowKey | null;
  onChoose: (row: RowKey) => void;
}

function RequestTable({
  name,
  page: { items },
  chosen,
  onChoose
}: IRequestTableProps): React.ReactElement {
  const workbench = useWorkbench();
  return (
    <Table
      label={workbench.trans.__('Requests to %1', name)}
      columns={columnsOf(items, workbench)}
      rows={items}
      row={item => ({ id: keyOf(item) })}
      onOpen={id => {
        const found = items.find(item => keyOf(item) === id);
        if (found) {
          onChoose(found);
        }
      }}
      current={chosen && keyOf(chosen)}
    />
  );
}

/** A status in words and shape. */
export function Status({ status }: { status: number }): React.ReactElement {
  return <State state={status < 400 ? 'passed' : 'failed'}>{String(status)}</State>;
}

/** The name of an answer that has none of its own. */
const PLACE = /^prediction(_\d+)?$/;

/** What was answered; probabilities with the names of their classes. */
export const answerOf = ({ answer }: ILoggedRequest): string =>
  Object.entries(answer)
    .map(([name, value]) => {
      const text = typeof value === 'number' ? format.number(value) : format.cell(value);
      return PLACE.test(name) ? text : `${name} ${text}`;
    })
    .join(', ');

function columnsOf(
  items: readonly ILoggedRequest[],
  { trans }: IWorkbench
): IColumnSpec<ILoggedRequest>[] {
  const time = clock(items.map(({ at }) => at));
  return [
    { key: 'at', head: trans.__('time'), width: 110, cell: row => time(row.at) },
    { key: 'version', head: trans.__('version'), width: 70, cell: row => row.version },
    {
      key: 'status',
      head: trans.__('status'),
      width: 80,
      cell: row => <Status status={row.status} />
    },
    {
      key: 'latency',
      head: trans.__('ms'),
      width: 80,
      figure: row => row.latency_ms,
      write: value => format.number(value, 3)
    },
    {
      key: 'answer',
      head: trans.__('answer'),
      width: 140,
      cell: row => (row.why ? <span title={row.why}>{row.why}</span> : answerOf(row))
    },
    {
      key: 'label',
      head: trans.__('label'),
      width: 80,
      end: true,
      cell: ({ label }) =>
        label === null ? format.DASH : typeof label === 'number' ? <Num value={label} /> : label
    },
    {
      key: 'features',
      head: trans.__('features'),
      width: '100%',
      cell: row => <Features row={row} />
    }
  ];
}

function Features({ row }: { row: ILoggedRequest }): React.ReactElement {
  const { trans } = useWorkbench();
  const shown = Object.entries(row.features).slice(0, FEATURES_SHOWN);
  const rest = row.inputs - shown.length;
  return (
    <span className={cx('quiet', 'deployments-features')}>
      {shown.map(([name, value]) => `${name} ${shortly(value)}`).join(' · ')}
      {rest > 0 && ` · ${trans._n('%1 more', '%1 more', rest)}`}
    </span>
  );
}

/** A logged value. */
export const shortly = (value: unknown): string =>
  typeof value === 'number' ? format.number(value) : format.cell(value);
