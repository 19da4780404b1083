import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type React from 'react';

interface IConfirm {
  title: string;
  body: string | React.ReactElement;
  action: string;
  trans: TranslationBundle;
}

/** Ask before a change that others feel; the dialog names the effect. */
export async function confirm({ title, body, action, trans }: IConfirm): Promise<boolean> {
  const answer = await showDialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep as It Is') }),
      Dialog.warnButton({ label: action })
    ]
  });
  return answer.button.accept;
}

/** Long enough to read three lines; then what it covers is free again. */
const LONG_MS = 10_000;
const SHORT_MS = 4_000;

/**
 * The last failure. The same one again takes the place of the first; any other stays in the
 * notification centre until it is read.
 */
let last = { message: '', id: '' };

/** JupyterLab cuts what is longer. */
const ROOM = 140;

/** What fits into a notification, and, where that is not all, the way to the rest. */
export function brief(
  message: string,
  trans: TranslationBundle
): [what: string, actions: Notification.IAction[]] {
  if (message.length <= ROOM) {
    return [message, []];
  }
  const what = message.split('\n')[0] ?? '';
  const label = trans.__('Details');
  const open = (): void =>
    void showDialog({ title: label, body: message, buttons: [Dialog.okButton()] });
  return [what.length > ROOM ? `${what.slice(0, ROOM - 1)}…` : what, [{ label, callback: open }]];
}

/** Say what went wrong, with a way to why and the fix; the notification centre keeps it. */
export function failed(message: string, trans: TranslationBundle): void {
  if (last.message === message) {
    Notification.dismiss(last.id);
  }
  const [what, actions] = brief(message, trans);
  last = { message, id: Notification.error(what, { autoClose: LONG_MS, actions }) };
}

/** Inform the user: nothing went wrong, and nothing was done. */
export function inform(message: string, trans: TranslationBundle): void {
  const [what, actions] = brief(message, trans);
  Notification.info(what, { autoClose: LONG_MS, actions });
}

/** Say what was done, and offer to undo it for ten seconds. */
export function done(
  message: string,
  trans: TranslationBundle,
  undo?: { label: string; run: () => void }
): void {
  const [what, details] = brief(message, trans);
  const actions: Notification.IAction[] = undo
    ? [{ label: undo.label, callback: undo.run }, ...details]
    : details;
  Notification.success(what, { autoClose: actions.length ? LONG_MS : SHORT_MS, actions });
}
