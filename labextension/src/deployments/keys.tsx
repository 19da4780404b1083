import '../../style/deployments.css';

import React, { useState } from 'react';

import type { IAccessKey, IDeployment } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';

/** The server takes no more. */
const MOST_DAYS = 3650;

/** The keys that callers send: create, rotate, revoke. */
export function Keys({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { name } = deployment;
  const { query, onMore } = useList(
    `keys:${name}`,
    (limit, signal) => client.deployments.keys(name, { limit }, signal),
    { topics: ['deployment'], about: deployment.ref }
  );
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Keys')}
        note={trans.__('sent as Authorization: Bearer KEY; each opens this deployment alone')}
      />
      <NewKeyForm deployment={deployment} />
      <Result query={query} rows={2}>
        {page =>
          page.items.length ? (
            <>
              <KeyTable deployment={deployment} keys={page.items} />
              <More
                page={page}
                onMore={onMore}
                rest={trans.__('mlinfra deployments keys has all')}
              />
            </>
          ) : (
            <p className={cx('more')}>{trans.__('There is no key yet.')}</p>
          )
        }
      </Result>
    </section>
  );
}

function NewKeyForm({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { commands, trans } = useWorkbench();
  const { run, busy } = useAction();
  const [label, setLabel] = useState('');
  const [days, setDays] = useState('');
  const faulty = days !== '' && !(Number(days) > 0 && Number(days) <= MOST_DAYS);
  const create = async (): Promise<void> => {
    const args = {
      ref: deployment.ref,
      label: label.trim(),
      days: days === '' ? null : Number(days)
    };
    if (await commands.execute('mlinfra:deployments-create-key', args)) {
      setLabel('');
      setDays('');
    }
  };
  return (
    <form
      className={cx('bar')}
      aria-label={trans.__('New key')}
      onSubmit={event => {
        event.preventDefault();
        void run(create);
      }}
    >
      <Field
        label={trans.__('for')}
        placeholder={trans.__('who will use it')}
        width={160}
        value={label}
        onChange={setLabel}
      />
      <Field
        label={trans.__('expires in')}
        type="number"
        min={0}
        max={MOST_DAYS}
        step="any"
        width={72}
        placeholder={trans.__('never')}
        unit={trans.__('days')}
        value={days}
        fault={
          faulty ? trans.__('More than 0, at most %1, or empty: never.', MOST_DAYS) : undefined
        }
        onChange={setDays}
      />
      <Button
        submit
        label={busy ? trans.__('Creating…') : trans.__('Create Key')}
        disabled={busy || faulty}
      />
    </form>
  );
}

interface IKeyTableProps {
  deployment: IDeployment;
  keys: readonly IAccessKey[];
}

function KeyTable({ deployment, keys }: IKeyTableProps): React.ReactElement {
  const { trans } = useWorkbench();
  const time = clock(keys.flatMap(key => [key.created_at, key.expires_at]));
  const columns: IColumnSpec<IAccessKey>[] = [
    {
      key: 'name',
      head: trans.__('key'),
      width: 160,
      cell: key => <b title={key.id}>{key.name}</b>
    },
    {
      key: 'state',
      head: trans.__('state'),
      width: 100,
      cell: key => (
        <State
          state={key.state}
          title={key.revoked_at ? trans.__('revoked %1', time(key.revoked_at)) : undefined}
        />
      )
    },
    {
      key: 'expires',
      head: trans.__('expires'),
      width: 130,
      cell: key => (key.expires_at ? time(key.expires_at) : trans.__('never'))
    },
    { key: 'created', head: trans.__('created'), width: 130, cell: key => time(key.created_at) },
    { key: 'by', head: trans.__('by'), cell: key => key.created_by },
    {
      key: 'verbs',
      head: '',
      end: true,
      sticky: true,
      width: 170,
      cell: key =>
        key.state === 'active' && (
          <span className={cx('row-verbs')}>
            <ActionButton
              command="mlinfra:deployments-rotate-key"
              target={deployment}
              args={{ key: key.id }}
              label={trans.__('Rotate…')}
            />
            <ActionButton
              command="mlinfra:deployments-revoke-key"
              target={deployment}
              args={{ key: key.id }}
              label={trans.__('Revoke…')}
            />
          </span>
        )
    }
  ];
  return (
    <Table
      label={trans.__('Keys of %1', deployment.name)}
      columns={columns}
      rows={keys}
      row={key => ({ id: key.id })}
    />
  );
}
