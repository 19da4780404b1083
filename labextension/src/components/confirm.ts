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

const UNDO_MS = 10_000;

/** Say what was done, and offer to undo it for ten seconds. */
export function done(message: string, undo?: { label: string; run: () => void }): void {
  const actions: Notification.IAction[] = undo ? [{ label: undo.label, callback: undo.run }] : [];
  Notification.success(message, { autoClose: undo ? UNDO_MS : 4_000, actions });
}
