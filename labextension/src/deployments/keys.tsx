import '../../style/deployments.css';

import { InputDialog } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import type { IAccessKey, IDeployment, INewKey } from '../api/types';
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

/** Hours for which a key that is rotated stays valid, unless the user says otherwise. */
const GRACE_HOURS = 24;

/** The keys that callers send: create, rotate, revoke. A new key is shown once. */
export function Keys({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { name } = deployment;
  const { run, busy } = useAction();
  const [made, setMade] = useState<INewKey | null>(null);
  const { query, onMore } = useList(
    `keys:${name}`,
    (limit, signal) => client.deployments.keys(name, { limit }, signal),
    { topics: ['deployment'], about: deployment.ref }
  );
  const act = (doing: () => Promise<INewKey | null>): void =>
    void run(async () => {
      const found = await doing();
      if (found) {
        setMade(found);
      }
      await query.refresh();
    });
  const rotate = async (key: IAccessKey): Promise<INewKey | null> => {
    const answer = await InputDialog.getNumber({
      title: trans.__('Rotate the key %1?', key.name),
      label: trans.__('A new key takes its place. Hours for which the present one stays valid:'),
      value: GRACE_HOURS,
      okLabel: trans.__('Rotate')
    });
    return answer.button.accept
      ? client.deployments.rotateKey(name, key.id, answer.value ?? GRACE_HOURS)
      : null;
  };
  const revoke = async (key: IAccessKey): Promise<null> => {
    const answer = await InputDialog.getText({
      title: trans.__('Revoke the key %1?', key.name),
      label: trans.__(
        'Requests with it are refused from now on. This cannot be undone. The reason stays in the audit log.'
      ),
      placeholder: trans.__('reason'),
      okLabel: trans.__('Revoke')
    });
    if (answer.button.accept) {
      await client.deployments.revokeKey(name, key.id, answer.value ?? '');
    }
    return null;
  };
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Keys')}
        note={trans.__('sent as Authorization: Bearer KEY; each opens this deployment alone')}
      />
      <NewKeyForm
        busy={busy}
        onCreate={(label, days) => act(() => client.deployments.createKey(name, label, days))}
      />
      {made && <Made made={made} onDone={() => setMade(null)} />}
      <Result query={query} rows={2}>
        {page =>
          page.items.length ? (
            <>
              <KeyTable
                name={name}
                keys={page.items}
                busy={busy}
                onRotate={key => act(() => rotate(key))}
                onRevoke={key => act(() => revoke(key))}
              />
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

interface INewKeyFormProps {
  busy: boolean;
  /** days: until it expires; null: never. */
  onCreate: (label: string, days: number | null) => void;
}

function NewKeyForm({ busy, onCreate }: INewKeyFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [label, setLabel] = useState('');
  const [days, setDays] = useState('');
  const faulty = days !== '' && !(Number(days) > 0);
  return (
    <form
      className={cx('bar')}
      aria-label={trans.__('New key')}
      onSubmit={event => {
        event.preventDefault();
        onCreate(label.trim(), days === '' ? null : Number(days));
        setLabel('');
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
        width={72}
        placeholder={trans.__('never')}
        unit={trans.__('days')}
        value={days}
        fault={faulty ? trans.__('More than 0, or empty: never.') : undefined}
        onChange={setDays}
      />
      <Button submit label={trans.__('Create Key')} disabled={busy || faulty} />
    </form>
  );
}

/** A key that was just made: it is here and nowhere else. */
function Made({ made, onDone }: { made: INewKey; onDone: () => void }): React.ReactElement {
  const { code, trans } = useWorkbench();
  return (
    <div className={cx('deployments-made')} role="status">
      <State state="passed">
        {trans.__('The key of %1. Keep it now: it is not shown again.', made.name)}
      </State>
      <span className={cx('deployments-address')}>
        <code>{made.key}</code>
        <Button icon="copy" label={trans.__('Copy')} onClick={() => code.copy(made.key)} />
        <Button kind="quiet" label={trans.__('Hide')} onClick={onDone} />
      </span>
      {made.pending && <span className={cx('quiet')}>{made.pending}</span>}
    </div>
  );
}

interface IKeyTableProps {
  name: string;
  keys: readonly IAccessKey[];
  busy: boolean;
  onRotate: (key: IAccessKey) => void;
  onRevoke: (key: IAccessKey) => void;
}

function KeyTable({ name, keys, busy, onRotate, onRevoke }: IKeyTableProps): React.ReactElement {
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
            <Button label={trans.__('Rotate…')} disabled={busy} onClick={() => onRotate(key)} />
            <Button label={trans.__('Revoke…')} disabled={busy} onClick={() => onRevoke(key)} />
          </span>
        )
    }
  ];
  return (
    <Table
      label={trans.__('Keys of %1', name)}
      columns={columns}
      rows={keys}
      row={key => ({ id: key.id })}
    />
  );
}
