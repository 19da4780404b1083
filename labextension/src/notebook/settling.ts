import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';

import type { IWorkbench } from '../tokens';

/** A job runs what is on disk: offer to save what is not. Says whether to go on. */
export async function settle(
  path: string | null,
  tracker: INotebookTracker,
  { trans }: Pick<IWorkbench, 'trans'>
): Promise<boolean> {
  const panel = tracker.find(({ context }) => context.path === path);
  if (!panel?.context.model.dirty) {
    return true;
  }
  const save = trans.__('Save and Go On');
  const answer = await showDialog({
    title: trans.__('%1 has changes that are not saved', panel.title.label),
    body: trans.__('A job runs what is on disk.'),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Submit as on Disk'), accept: true }),
      Dialog.okButton({ label: save })
    ]
  });
  if (answer.button.label === save) {
    try {
      await panel.context.save();
    } catch {
      return false; // JupyterLab has shown why
    }
  }
  return answer.button.accept;
}
