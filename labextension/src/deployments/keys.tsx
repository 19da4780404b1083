import '../../style/deployments.css';

import { Dialog, InputDialog } from '@jupyterlab/apputils';
import React, { useRef, useState } from 'react';

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
import type { IWorkbench } from '../tokens';

/** Hours for which a key that is rotated stays valid, unless the user says otherwise. */
const GRACE_HOURS = 24;
/** The server takes no more. */
const MOST_DAYS = 3650;

export interface IKeysProps {
  deployment: IDeployment;
  /** Keys that were made and are still shown, oldest first. */
  made: readonly INewKey[];
  /** A key was made; it may come after this component is gone. */
  onMade: (made: INewKey) => void;
  onHide: (made: INewKey) => void;
}

/** The keys that callers send: create, rotate, revoke. A new key is shown until it is hidden. */
export function Keys({ deployment, made, onMade, onHide }: IKeysProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { name } = deployment;
  const creating = useAction();
  const changing = useAction();
  const busy = creating.busy || changing.busy;
  const section = useRef<HTMLElement>(null);
  const { query, onMore } = useList(
    `keys:${name}`,
    (limit, signal) => client.deployments.keys(name, { limit }, signal),
    { topics: ['deployment'], about: deployment.ref }
  );
  const create = (label: string, days: number | null): Promise<boolean> =>
    creating.run(async () => {
      onMade(await client.deployments.createKey(name, label, days));
      await query.refresh();
    });
  const rotate = async (key: IAccessKey): Promise<void> => {
    const hours = await askGrace(key, trans);
    if (hours !== null) {
      await changing.run(async () => {
        onMade(await client.deployments.rotateKey(name, key.id, hours));
        await query.refresh();
      });
    }
  };
  const revoke = async (key: IAccessKey): Promise<void> => {
    const reason = await askReason(key, trans);
    if (reason !== null) {
      await changing.run(async () => {
        await client.deployments.revokeKey(name, key.id, reason);
        await query.refresh();
      });
    }
  };
  return (
    <section ref={section} className={cx('split')}>
      <Heading
        title={trans.__('Keys')}
        note={trans.__('sent as Authorization: Bearer KEY; each opens this deployment alone')}
      />
      <NewKeyForm busy={busy} creating={creating.busy} onCreate={create} />
      {made.map(item => (
        <Made
          key={item.id}
          made={item}
          onHide={() => {
            onHide(item);
            section.current?.querySelector('input')?.focus();
          }}
        />
      ))}
      <Result query={query} rows={2}>
        {page =>
          page.items.length ? (
            <>
              <KeyTable
                name={name}
                keys={page.items}
                busy={busy}
                onRotate={key => void rotate(key)}
                onRevoke={key => void revoke(key)}
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

/** The hours for which the present key stays valid; null where the user goes away. */
async function askGrace(key: IAccessKey, trans: IWorkbench['trans']): Promise<number | null> {
  const { button, value } = await InputDialog.getNumber({
    title: trans.__('Rotate the key %1?', key.name),
    label: trans.__('A new key takes its place. Hours for which the present one stays valid:'),
    value: GRACE_HOURS,
    okLabel: trans.__('Rotate')
  });
  if (!button.accept) {
    return null;
  }
  return value !== null && Number.isFinite(value) ? value : GRACE_HOURS;
}

/** A dialog whose button warns, as what it does cannot be undone. */
class WarningRenderer extends Dialog.Renderer {
  override createButtonNode(button: Dialog.IButton): HTMLButtonElement {
    return super.createButtonNode(button.accept ? { ...button, displayType: 'warn' } : button);
  }
}

/** Why a key is revoked, which may be empty; null where the user goes away. */
async function askReason(key: IAccessKey, trans: IWorkbench['trans']): Promise<string | null> {
  const { button, value } = await InputDialog.getText({
    title: trans.__('Revoke the key %1?', key.name),
    label: trans.__(
      'Requests with it are refused wherever a key is checked. This cannot be undone. The reason stays in the audit log.'
    ),
    placeholder: trans.__('reason'),
    okLabel: trans.__('Revoke'),
    renderer: new WarningRenderer()
  });
  return button.accept ? (value ?? '') : null;
}

interface INewKeyFormProps {
  busy: boolean;
  creating: boolean;
  /** days: until it expires; null: never. Says whether the key was made. */
  onCreate: (label: string, days: number | null) => Promise<boolean>;
}

function NewKeyForm({ busy, creating, onCreate }: INewKeyFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [label, setLabel] = useState('');
  const [days, setDays] = useState('');
  const faulty = days !== '' && !(Number(days) > 0 && Number(days) <= MOST_DAYS);
  const create = async (): Promise<void> => {
    if (await onCreate(label.trim(), days === '' ? null : Number(days))) {
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
        void create();
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
        label={creating ? trans.__('Creating…') : trans.__('Create Key')}
        disabled={busy || faulty}
      />
    </form>
  );
}

/** A key that was just made: it is here and nowhere else. */
function Made({ made, onHide }: { made: INewKey; onHide: () => void }): React.ReactElement {
  const { code, trans } = useWorkbench();
  return (
    <div className={cx('deployments-made')} role="status">
      <State state="passed">
        {trans.__('The key of %1. Keep it now: it is not shown again.', made.name)}
      </State>
      <span className={cx('deployments-address')}>
        <code>{made.key}</code>
        <Button icon="copy" label={trans.__('Copy')} onClick={() => code.copy(made.key)} />
        <Button kind="quiet" label={trans.__('Hide')} onClick={onHide} />
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
