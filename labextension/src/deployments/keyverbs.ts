import { Dialog, InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IAccessKey, IDeployment, INewKey } from '../api/types';
import type { IActionCall, IOutcome, IWorkbench, Perform } from '../tokens';
import { shownKeys } from './made';

/** Hours for which a key that is rotated stays valid, unless the user says otherwise. */
const GRACE_HOURS = 24;
/** Keys among which one can be chosen. */
const MOST_KEYS = 200;

type Trans = IWorkbench['trans'];
type Key = Pick<IAccessKey, 'id' | 'name'>;

/** Make a key for callers. Without a label in the arguments it asks for it, and how long it is valid. */
export const createKey: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const { label, days = null } = call.args;
  const wanted =
    typeof label === 'string'
      ? { label, days: days === null ? null : daysOf(days, trans) }
      : await askNew(call.name, trans);
  if (!wanted) {
    return null;
  }
  const made = await client.deployments.createKey(call.name, wanted.label, wanted.days);
  call.workbench.events.tell({ topic: 'deployment', ref: call.ref, data: {} });
  return show(call, made);
};

/** Make another key in place of one, which stays valid for some hours. */
export const rotateKey: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const key = await keyOf(call, trans.__('Rotate a key of %1', call.name));
  const hours = key && (await askGrace(key, trans));
  return key && hours !== null
    ? show(call, await client.deployments.rotateKey(call.name, key.id, hours))
    : null;
};

/** Refuse requests with a key from now on. */
export const revokeKey: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const key = await keyOf(call, trans.__('Revoke a key of %1', call.name));
  const reason = key && (await askReason(key, trans));
  if (!key || reason === null) {
    return null;
  }
  await client.deployments.revokeKey(call.name, key.id, reason);
  return { message: trans.__('The key %1 opens %2 no more.', key.name, call.name) };
};

/** A new key stands on the page of its deployment, which stays open, until it is hidden. */
async function show({ workbench, name, ref }: IActionCall, made: INewKey): Promise<IOutcome> {
  shownKeys.add(ref, made);
  if (!shownKeys.isOpen(ref)) {
    await workbench.open(ref);
  }
  workbench.keep(ref);
  return {
    message: workbench.trans.__(
      'The page of %1 shows the key of %2 until you hide it.',
      name,
      made.name
    )
  };
}

/** For whom a key is, and the days until it expires; null where the user goes away. */
async function askNew(
  name: string,
  trans: Trans
): Promise<{ label: string; days: number | null } | null> {
  const who = await InputDialog.getText({
    title: trans.__('Create a key of %1', name),
    label: trans.__('Who will use it:'),
    okLabel: trans.__('Next')
  });
  if (!who.button.accept) {
    return null;
  }
  const until = await InputDialog.getNumber({
    title: trans.__('Create a key of %1', name),
    label: trans.__('Days until it expires; 0 for never:'),
    value: 0,
    okLabel: trans.__('Create Key')
  });
  if (!until.button.accept) {
    return null;
  }
  const days = daysOf(until.value, trans);
  return { label: who.value?.trim() ?? '', days: days === 0 ? null : days };
}

/** Days until a key expires. An emptied field is not one that never does. */
function daysOf(value: unknown, trans: Trans): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new ApiError(
      'bad_request',
      trans.__('No key was created.'),
      trans.__('The days until it expires are no number of 0 or more.'),
      trans.__('For example 90, or 0 for never')
    );
  }
  return value;
}

/** The key of the arguments, else the one that the user chooses; null where the user goes away. */
async function keyOf(
  { workbench: { client, trans }, name, args }: IActionCall<IDeployment>,
  title: string
): Promise<Key | null> {
  const { items } = await client.deployments.keys(name, { limit: MOST_KEYS });
  if (typeof args.key === 'string') {
    return items.find(({ id }) => id === args.key) ?? { id: args.key, name: args.key };
  }
  const keys = items.filter(({ state }) => state === 'active');
  if (!keys.length) {
    throw new ApiError(
      'not_found',
      trans.__('%1 has no key that is valid.', name),
      '',
      trans.__('Create one first.')
    );
  }
  const chosen = await InputDialog.getItem({
    title,
    items: keys.map(key => key.name),
    okLabel: trans.__('Next')
  });
  return chosen.button.accept ? (keys.find(key => key.name === chosen.value) ?? null) : null;
}

/** The hours for which the present key stays valid; null where the user goes away. */
async function askGrace(key: Key, trans: Trans): Promise<number | null> {
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
async function askReason(key: Key, trans: Trans): Promise<string | null> {
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
