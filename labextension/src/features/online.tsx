import React, { useContext, useEffect, useRef, useState } from 'react';

import type { IOnlineRow, IViewDetail } from '../api/types';
import { Button, Key } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { usePageVerb } from '../components/frame';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { Backfill } from './backfill';
import { type Entity, KeyFields, KnownKeys, trimmed } from './keys';
import { LookUpContext } from './lookedup';
import { hasJoinedRows } from './stored';

interface IOnlineProps {
  detail: IViewDetail;
  /** Whether the field of the first key is shown at once. */
  going?: boolean;
}

/** What a request would get now, for one entity: it is asked for again when there is news. */
export function Online({ detail, going }: IOnlineProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { view, join_keys, asks } = detail;
  const names = [...join_keys, ...asks];
  const [keys, setKeys] = useState<Entity>({});
  const [entity, setEntity] = useState<Entity>();
  const form = useRef<HTMLFormElement>(null);
  usePageVerb('mlinfra:features-online', () => form.current?.querySelector('input')?.focus());
  useEffect(() => {
    if (going) {
      form.current?.querySelector('input')?.focus();
    }
  }, [going]);
  const complete = join_keys.every(key => keys[key]?.trim());
  const query = useQuery(
    `online:${view.name}:${JSON.stringify(entity)}`,
    signal => client.features.online([`${view.name}:*`], [entity ?? {}], signal),
    { topics: ['view'], about: view.ref, when: entity !== undefined }
  );
  const row = query.data?.[0];
  const busy = entity !== undefined && !row && !query.error;
  const show = useContext(LookUpContext);
  const found = row?.entity;
  useEffect(() => {
    show(found ? { call: 'features-online', values: { view: view.name, entity: found } } : null);
    return () => show(null);
  }, [show, view.name, found]);

  const look = (asked: Entity): void => {
    const wanted = trimmed(asked, names);
    if (JSON.stringify(wanted) === JSON.stringify(entity)) {
      void query.refresh();
    } else {
      setEntity(wanted);
    }
  };

  return (
    <section className={cx('scroll')} aria-label={trans.__('Online values')}>
      <Heading
        title={trans.__('Online, now')}
        note={trans.__('what a request gets, beside what training reads')}
      />
      <form
        ref={form}
        className={cx('bar')}
        onSubmit={event => {
          event.preventDefault();
          if (complete && !busy) {
            look(keys);
          }
        }}
      >
        <KeyFields names={names} keys={keys} onChange={setKeys} />
        <Button
          label={busy ? trans.__('Looking Up…') : trans.__('Look Up')}
          disabled={!complete || busy}
          submit
        />
        <Key>o</Key>
        <KnownKeys
          detail={detail}
          onPick={picked => {
            setKeys(picked);
            look(picked);
          }}
        />
      </form>
      {query.error && <ErrorCard error={query.error} />}
      {row && entity && !query.error && (
        <OnlineValues row={row} entity={entity} detail={detail} workbench={workbench} />
      )}
      {view.online && <Backfill view={view} />}
    </section>
  );
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}([T ].*)?$/;

/** The moment that a text is; undefined for what is none. */
const momentOf = (value: unknown): number | undefined =>
  typeof value === 'string' && ISO_TIME.test(value) ? Date.parse(value) : undefined;

/** Whether two values are one; times may be written in two ways. */
function isSame(one: unknown, other: unknown): boolean {
  const moment = momentOf(one);
  return (
    JSON.stringify(one ?? null) === JSON.stringify(other ?? null) ||
    (moment !== undefined && moment === momentOf(other))
  );
}

function Value({ value }: { value: unknown }): React.ReactElement {
  return typeof value === 'number' ? (
    <Num value={value} format={format.cell} />
  ) : (
    <>{format.cell(value)}</>
  );
}

const viewOf = (key: string): string => key.slice(0, key.indexOf(':'));
const featureOf = (key: string): string => key.slice(key.indexOf(':') + 1);

interface IOnlineValuesProps {
  row: IOnlineRow;
  entity: Entity;
  detail: IViewDetail;
  workbench: IWorkbench;
}

/** The values of an entity, beside those that a training set would read at the same moment. */
function OnlineValues({ row, entity, detail, workbench }: IOnlineValuesProps): React.ReactElement {
  const { client } = workbench;
  const { view } = detail;
  const { data } = useQuery(
    `offline:${view.ref}:${JSON.stringify(entity)}`,
    () => client.features.explain(view.name, { entity, limit: 1 }),
    { topics: ['view', 'dataset'], every: () => null, when: hasJoinedRows(detail) }
  );
  const offline = data && !data.note ? (data.taken?.values ?? {}) : undefined;
  const { trans } = workbench;
  const columns: IColumnSpec<string>[] = [
    { key: 'feature', head: trans.__('feature'), cell: featureOf, width: 220 },
    {
      key: 'value',
      head: trans.__('value'),
      end: true,
      width: 140,
      cell: name => <Value value={row.values[name]} />
    },
    {
      key: 'state',
      head: trans.__('state'),
      cell: name => <State state={row.status[name] ?? 'NOT_FOUND'} />,
      width: 120
    },
    {
      key: 'event',
      head: trans.__('event time'),
      cell: name => format.time(row.event_at[name] ?? null),
      width: 140
    },
    ...(offline
      ? [
          {
            key: 'offline',
            head: trans.__('training reads'),
            end: true,
            width: 140,
            cell: (name: string) => <Value value={offline[featureOf(name)]} />
          },
          {
            key: 'differs',
            head: trans.__('same'),
            cell: (name: string) =>
              isSame(offline[featureOf(name)], row.values[name]) ? (
                <State state="ok">{trans.__('the same')}</State>
              ) : (
                <State state="drifted">{trans.__('differs')}</State>
              )
          }
        ]
      : [])
  ];
  return (
    <Table
      label={trans.__('Online values')}
      columns={columns}
      rows={Object.keys(row.values)}
      row={name => ({ id: name, ref: formatRef('feature', [viewOf(name), featureOf(name)]) })}
      onOpen={() => undefined}
    />
  );
}
