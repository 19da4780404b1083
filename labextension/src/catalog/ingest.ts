import { Notification } from '@jupyterlab/apputils';

import { asApiError } from '../api/errors';
import { errorText } from '../components/explain';
import { brief, failed } from '../components/confirm';
import { ended } from '../jobs/ended';
import { toProject } from '../notebook/paths';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import type { IForm } from './reading';
import { TABLES } from './tables';

const LONG_MS = 10_000;

/** A dataset's name as a file's name suggests it. */
export function suggestedName(path: string): string {
  const file = path.split('/').pop() ?? path;
  const plain = file.replace(TABLES, '').replace(/\W+/g, '_').toLowerCase();
  return `data.${/^[a-z_]/.test(plain) ? plain : `t_${plain}`}`;
}

/** Show what would be read of the files, ingest them as the user wants it, and show the dataset. */
export async function ingestFiles(
  workbench: IWorkbench,
  paths: readonly string[],
  start?: IForm
): Promise<void> {
  const { client, trans } = workbench;
  const [first] = paths;
  if (!first) {
    return;
  }
  try {
    const project = await client.project();
    const files = paths.map(path => toProject(path, project) ?? path);
    const [{ askHow }, { emptyForm }] = await Promise.all([
      import('./register'),
      import('./reading')
    ]);
    const form = await askHow(workbench, files, start ?? emptyForm(suggestedName(first)));
    if (form) {
      await ingest(workbench, files, form, () => void ingestFiles(workbench, paths, form));
    }
  } catch (error) {
    failed(errorText(error, trans), trans);
  }
}

/** Ingest, and tell how it went; a failure offers the dialog again, as it was. */
async function ingest(
  { client, trans, open }: IWorkbench,
  files: readonly string[],
  form: IForm,
  change: () => void
): Promise<void> {
  const id = Notification.emit(trans.__('Reading into %1…', form.into), 'in-progress', {
    autoClose: false
  });
  const show = (): void => void open(formatRef('dataset', form.into));
  try {
    const { askOf } = await import('./reading');
    const job = await ended(client, await client.catalog.ingest(askOf(files, form)));
    const [message, details] = brief(
      `${form.into}: ${job.progress_text || trans.__('the rows are in')}`,
      trans
    );
    const actions = [{ label: trans.__('Open'), callback: show }, ...details];
    Notification.update({ id, message, type: 'success', autoClose: LONG_MS, actions });
  } catch (error) {
    const [message, details] = brief(reasonOf(error) || errorText(error, trans), trans);
    const actions = [{ label: trans.__('Change Options…'), callback: change }, ...details];
    Notification.update({ id, message, type: 'error', autoClose: false, actions });
    return;
  }
  show();
}

/** The job's own message, which names the fix; empty if there is none. */
function reasonOf(error: unknown): string {
  const failure = asApiError(error);
  return failure.code === 'failed' ? failure.why : '';
}
