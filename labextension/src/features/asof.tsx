import React, { useEffect, useRef, useState } from 'react';

import type { IQuestion } from '../api/features/knowing';
import type { IExplained, IHeldWindow, IJudgedRow, IViewDetail } from '../api/types';
import { useRevealed } from '../catalog/page/revealed';
import { Button, Key } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { usePageVerb } from '../components/frame';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { type Entity, KeyFields, KnownKeys, trimmed } from './keys';
import { isTaken, Timeline } from './timeline';
import { typedUtc, utc } from './utc';

interface IAsOfProps {
  detail: IViewDetail;
  /** Whether the field of the first key is shown at once. */
  going?: boolean;
}

/** Which row a join takes for one entity at a time, and why not the others. */
export function AsOf({ detail, going }: IAsOfProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { view, join_keys, created_column } = detail;
  const reveal = useRevealed();
  const [keys, setKeys] = useState<Entity>({});
  const [at, setAt] = useState(utc(view.source_at));
  const [known, setKnown] = useState(false);
  const [asked, setAsked] = useState<IQuestion>();
  const form = useRef<HTMLFormElement>(null);
  const focus = (): void => form.current?.querySelector('input')?.focus();
  usePageVerb('mlinfra:features-asof', focus);
  useEffect(() => {
    if (going) {
      focus();
    }
  }, [going]);
  const complete = join_keys.every(key => keys[key]?.trim());
  const query = useQuery(
    `as of:${view.ref}:${JSON.stringify(asked)}${reveal ? ' revealed' : ''}`,
    () => client.features.explain(view.name, { entity: {}, ...asked, reveal: reveal || undefined }),
    { every: () => null, when: asked !== undefined }
  );
  const busy = asked !== undefined && !query.data && !query.error;
  const ask = (entity: Entity, moment: string): void => {
    const question = {
      entity: trimmed(entity, join_keys),
      at: moment.trim() ? typedUtc(moment) : undefined,
      known_only: known
    };
    if (JSON.stringify(question) === JSON.stringify(asked)) {
      void query.refresh();
    } else {
      setAsked(question);
    }
  };
  return (
    <section className={cx('scroll')} aria-label={trans.__('As of')}>
      <Heading
        title={trans.__('As of')}
        note={
          detail.windows.length
            ? trans.__('which rows are in the windows, and why not the others?')
            : trans.__('which row does a join take, and why not the others?')
        }
      />
      <form
        ref={form}
        className={cx('bar')}
        onSubmit={event => {
          event.preventDefault();
          if (complete && !busy) {
            ask(keys, at);
          }
        }}
      >
        <KeyFields names={join_keys} keys={keys} onChange={setKeys} />
        <Field
          label={trans.__('at')}
          value={at}
          width={150}
          placeholder={trans.__('now')}
          unit="UTC"
          onChange={setAt}
        />
        {created_column && (
          <label className={cx('field')} title={trans.__('Late arrivals are refused')}>
            <input
              type="checkbox"
              checked={known}
              onChange={event => setKnown(event.target.checked)}
            />
            {trans.__('only what was written by then')}
          </label>
        )}
        <Button
          label={busy ? trans.__('Explaining…') : trans.__('Explain')}
          disabled={!complete || busy}
          submit
        />
        <Key>a</Key>
        <KnownKeys
          detail={detail}
          onPick={entity => {
            setKeys(entity);
            ask(entity, at);
          }}
        />
      </form>
      {query.error && <ErrorCard error={query.error} retry={() => void query.refresh()} />}
      {query.data && !query.error && <Verdicts found={query.data} />}
    </section>
  );
}

function Verdicts({ found }: { found: IExplained }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const isWindowed = found.windows.length > 0;
  if (!found.total) {
    return isWindowed ? (
      <>
        <Windows found={found} />
        <p className={cx('more')}>{trans.__('The source has no row of this key.')}</p>
      </>
    ) : (
      <p className={cx('more')}>
        {trans.__('The source has no row of this key: a training set gets nulls.')}
      </p>
    );
  }
  const further = found.total - found.shown;
  return (
    <>
      {isWindowed && <Windows found={found} />}
      {!found.taken && !found.note && !isWindowed && (
        <p className={cx('more', 'tone-wait')}>
          {trans.__('No row counts at this time: a training set gets nulls.')}
        </p>
      )}
      <Timeline found={found} />
      <Table
        label={trans.__('Rows of this key')}
        columns={columnsOf(found, workbench)}
        rows={found.rows.map((row, place) => ({ row, place }))}
        row={({ place }) => ({ id: String(place), ref: '' })}
        current={found.taken ? '0' : null}
        onOpen={() => undefined}
      />
      {further > 0 && (
        <p className={cx('more')}>
          {trans._n(
            '%1 more row is further away in time',
            '%2 more rows are further away in time',
            further,
            format.number(further)
          )}
        </p>
      )}
      {found.note && <p className={cx('more')}>{found.note}</p>}
    </>
  );
}

/** What each window holds, and the value that a training set gets. */
function Windows({ found }: { found: IExplained }): React.ReactElement {
  const { trans } = useWorkbench();
  const columns: IColumnSpec<IHeldWindow>[] = [
    { key: 'feature', head: trans.__('feature'), cell: ({ feature }) => feature, width: 200 },
    { key: 'value', head: trans.__('value'), end: true, cell: ({ value }) => shown(value) },
    { key: 'of', head: trans.__('of'), cell: item => `${item.function} · ${item.column}` },
    {
      key: 'from',
      head: trans.__('from (UTC)'),
      cell: ({ start }) => (start ? utc(start) : trans.__('the beginning')),
      width: 140
    },
    { key: 'to', head: trans.__('to before (UTC)'), cell: ({ end }) => utc(end), width: 140 },
    {
      key: 'rows',
      head: trans.__('rows'),
      end: true,
      cell: ({ rows, without }) =>
        without
          ? trans.__('%1, %2 without a value', format.number(rows), format.number(without))
          : format.number(rows)
    }
  ];
  return (
    <Table
      label={trans.__('Windows at this time')}
      columns={columns}
      rows={[...found.windows]}
      row={({ feature }) => ({ id: feature, ref: '' })}
      current={null}
      onOpen={() => undefined}
    />
  );
}

const shown = (value: unknown): React.ReactNode =>
  typeof value === 'number' ? <Num value={value} format={format.datum} /> : format.cell(value);

interface IPlaced {
  row: IJudgedRow;
  place: number;
}

function columnsOf(found: IExplained, { trans }: IWorkbench): IColumnSpec<IPlaced>[] {
  const [first] = found.rows;
  const names = Object.keys(first?.values ?? {});
  const isWritten = found.rows.some(({ created_at }) => created_at !== null);
  return [
    {
      key: 'event',
      head: trans.__('event time (UTC)'),
      cell: ({ row }) =>
        isTaken(row) ? <b>{utc(row.event_at)}</b> : <>{utc(row.event_at) || '∅'}</>,
      width: 140
    },
    ...(isWritten
      ? [
          {
            key: 'created',
            head: trans.__('written at'),
            cell: ({ row }: IPlaced) => utc(row.created_at) || '∅',
            width: 140
          }
        ]
      : []),
    ...names.map((name): IColumnSpec<IPlaced> => ({
      key: `value ${name}`,
      head: name,
      end: true,
      cell: ({ row }) => shown(row.values[name])
    })),
    {
      key: 'verdict',
      head: trans.__('verdict'),
      cell: ({ row }) => (
        <State state={row.verdict}>{isTaken(row) ? undefined : trans.__('refused')}</State>
      ),
      width: 90
    },
    { key: 'why', head: trans.__('why'), wrap: true, cell: ({ row }) => row.why }
  ];
}
