import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

interface IConfirm {
  title: string;
  body: string;
  action: string;
  trans: TranslationBundle;
}

/** Ask before a change that others feel; the dialog names the effect. */
export async function confirm({ title, body, action, trans }: IConfirm): Promise<boolean> {
  const answer = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Keep as It Is') }), Dialog.warnButton({ label: action })]
  });
  return answer.button.accept;
}

/** Long enough to read three lines; then what it covers is free again. */
const LONG_MS = 10_000;
const SHORT_MS = 4_000;

/** The failure that is still in sight: the next word of ours takes its place. */
let lastFailure = '';

/** Say what went wrong; the notification centre keeps it. */
export function failed(message: string): void {
  Notification.dismiss(lastFailure);
  lastFailure = Notification.error(message, { autoClose: LONG_MS });
}

/** Say what was done, and offer to undo it for ten seconds. */
export function done(message: string, undo?: { label: string; run: () => void }): void {
  const actions: Notification.IAction[] = undo ? [{ label: undo.label, callback: undo.run }] : [];
  Notification.dismiss(lastFailure);
  Notification.success(message, { autoClose: undo ? LONG_MS : SHORT_MS, actions });
}
