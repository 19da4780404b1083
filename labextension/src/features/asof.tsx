import React, { useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IExplained, IJudgedRow, IViewDetail } from '../api/types';
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
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { isTaken, Timeline } from './timeline';
import { utc } from './utc';

interface IAsOfProps {
  detail: IViewDetail;
  /** Whether the field of the first key is shown at once. */
  going?: boolean;
}

interface IAnswer {
  found?: IExplained;
  error?: ApiError;
}

/** Which row a join takes for one entity at a time, and why not the others. */
export function AsOf({ detail, going }: IAsOfProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { view, join_keys, created_column } = detail;
  const [keys, setKeys] = useState<Readonly<Record<string, string>>>({});
  const [at, setAt] = useState(utc(view.source_at));
  const [known, setKnown] = useState(false);
  const [answer, setAnswer] = useState<IAnswer>({});
  const form = useRef<HTMLFormElement>(null);
  const focus = (): void => form.current?.querySelector('input')?.focus();
  usePageVerb('mlinfra:features-asof', focus);
  useEffect(() => {
    if (going) {
      focus();
    }
  }, [going]);
  const { run, busy } = useAction();
  const complete = join_keys.every(key => keys[key]?.trim());
  const ask = (): Promise<boolean> =>
    run(async () => {
      const entity = Object.fromEntries(join_keys.map(key => [key, (keys[key] ?? '').trim()]));
      const moment = at.trim() && `${at.trim().replace(' ', 'T')}Z`;
      try {
        const question = { entity, at: moment || undefined, known_only: known };
        setAnswer({ found: await client.features.explain(view.name, question) });
      } catch (error) {
        setAnswer({ error: asApiError(error) });
      }
    });
  return (
    <section className={cx('scroll')} aria-label={trans.__('As of')}>
      <Heading
        title={trans.__('As of')}
        note={trans.__('which row does a join take, and why not the others?')}
      />
      <form
        ref={form}
        className={cx('bar')}
        onSubmit={event => {
          event.preventDefault();
          void (complete && ask());
        }}
      >
        {join_keys.map(key => (
          <Field
            key={key}
            label={key}
            value={keys[key] ?? ''}
            width={110}
            onChange={value => setKeys({ ...keys, [key]: value })}
          />
        ))}
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
      </form>
      {answer.error && <ErrorCard error={answer.error} retry={() => void ask()} />}
      {answer.found && <Verdicts found={answer.found} />}
    </section>
  );
}

function Verdicts({ found }: { found: IExplained }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  if (!found.total) {
    return (
      <p className={cx('more')}>
        {trans.__('The source has no row of this key: a training set gets nulls.')}
      </p>
    );
  }
  const further = found.total - found.shown;
  return (
    <>
      {!found.taken && !found.note && (
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
      cell: ({ row }) => (
        <span className={cx(isTaken(row) && 'strong-name')}>{utc(row.event_at) || '∅'}</span>
      ),
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
      cell: ({ row }) => {
        const value = row.values[name];
        return typeof value === 'number' ? (
          <Num value={value} format={format.datum} />
        ) : (
          format.cell(value)
        );
      }
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
