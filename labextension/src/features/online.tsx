import React, { useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IOnlineRow, IViewDetail } from '../api/types';
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
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { Backfill } from './backfill';

interface ILooked {
  row?: IOnlineRow;
  error?: ApiError;
}

interface IOnlineProps {
  detail: IViewDetail;
  /** Whether the field of the first key is shown at once. */
  going?: boolean;
}

/** What a request would get now, for one entity. */
export function Online({ detail, going }: IOnlineProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { view, join_keys } = detail;
  const [keys, setKeys] = useState<Readonly<Record<string, string>>>({});
  const [looked, setLooked] = useState<ILooked>({});
  const form = useRef<HTMLFormElement>(null);
  usePageVerb('mlinfra:features-online', () => form.current?.querySelector('input')?.focus());
  useEffect(() => {
    if (going) {
      form.current?.querySelector('input')?.focus();
    }
  }, [going]);
  const { run, busy } = useAction();
  const complete = join_keys.every(key => keys[key]?.trim());

  const look = (): Promise<boolean> =>
    run(async () => {
      // as text: the server knows the types of the keys, and "02134" is no number where the key is
      // text
      const entity = Object.fromEntries(join_keys.map(key => [key, (keys[key] ?? '').trim()]));
      try {
        const [row] = await client.features.online([`${view.name}:*`], [entity]);
        setLooked({ row });
      } catch (error) {
        setLooked({ error: asApiError(error) });
      }
    });

  return (
    <section className={cx('scroll')} aria-label={trans.__('Online values')}>
      <Heading title={trans.__('Online, now')} note={trans.__('what a request gets')} />
      <form
        ref={form}
        className={cx('bar')}
        onSubmit={event => {
          event.preventDefault();
          void look();
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
        <Button
          label={busy ? trans.__('Looking Up…') : trans.__('Look Up')}
          disabled={!complete || busy}
          submit
        />
        <Key>o</Key>
      </form>
      {looked.error && <ErrorCard error={looked.error} />}
      {looked.row && <OnlineValues row={looked.row} workbench={workbench} />}
      {view.online && <Backfill view={view} />}
    </section>
  );
}

const viewOf = (key: string): string => key.slice(0, key.indexOf(':'));
const featureOf = (key: string): string => key.slice(key.indexOf(':') + 1);

function OnlineValues({
  row,
  workbench
}: {
  row: IOnlineRow;
  workbench: IWorkbench;
}): React.ReactElement {
  const { trans } = workbench;
  const columns: IColumnSpec<string>[] = [
    { key: 'feature', head: trans.__('feature'), cell: featureOf, width: 220 },
    {
      key: 'value',
      head: trans.__('value'),
      end: true,
      width: 140,
      cell: name => {
        const value = row.values[name];
        return typeof value === 'number' ? (
          <Num value={value} format={format.cell} />
        ) : (
          format.cell(value)
        );
      }
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
      cell: name => format.time(row.event_at[name] ?? null)
    }
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
