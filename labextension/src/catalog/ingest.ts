import { Notification } from '@jupyterlab/apputils';

import { asApiError } from '../api/errors';
import type { IJob } from '../api/types';
import { errorText } from '../components/explain';
import { brief, failed } from '../components/confirm';
import { fractionOf, over, unfailed } from '../jobs/ended';
import { toProject } from '../notebook/paths';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { suggestedName } from './names';
import type { IForm } from './reading';

const LONG_MS = 10_000;

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

/**
 * Ask for files, a folder, a pattern, objects of a store or a table, show what would be read, and
 * bring it in. into: the dataset that is meant; else one is suggested.
 */
export async function ingestData(
  workbench: IWorkbench,
  into: string,
  start?: IForm
): Promise<void> {
  try {
    await workbench.client.project();
    const [{ askHow }, { emptyForm }] = await Promise.all([
      import('./register'),
      import('./reading')
    ]);
    const form = await askHow(workbench, [], start ?? emptyForm(into), into);
    if (form) {
      const again = (): void => void ingestData(workbench, into, form);
      await ingest(workbench, [form.source.trim()], form, again);
    }
  } catch (error) {
    failed(errorText(error, workbench.trans), workbench.trans);
  }
}

/** Begin to bring the rows in, or to read them where they are. */
async function begin({ client }: IWorkbench, files: readonly string[], form: IForm): Promise<IJob> {
  const { askOf, registerOf } = await import('./reading');
  return form.mode === 'place'
    ? client.catalog.register(registerOf(files, form))
    : client.catalog.ingest(askOf(files, form));
}

/**
 * Ingest, tell how far it is, with a way to stop it, and how it went; a failure offers the dialog
 * again, as it was.
 */
async function ingest(
  workbench: IWorkbench,
  files: readonly string[],
  form: IForm,
  change: () => void
): Promise<void> {
  const { client, trans } = workbench;
  const title = trans.__('Reading into %1…', form.into);
  const id = Notification.emit(title, 'in-progress', { autoClose: false });
  const again = { label: trans.__('Change Options…'), callback: change };
  try {
    const first = await begin(workbench, files, form);
    const stop = {
      label: trans.__('Cancel'),
      callback: (event: MouseEvent) => {
        event.preventDefault(); // else JupyterLab forgets the notification, which tells how it ends
        void client.jobs.cancel(first.id).catch(() => undefined);
      }
    };
    const tell = (job: IJob): void =>
      void Notification.update({
        id,
        message: job.progress_text ? `${title} ${job.progress_text}` : title,
        progress: fractionOf(job) ?? undefined,
        actions: [stop]
      });
    tell(first);
    const job = await over(client, first, { seen: tell });
    if (job.state === 'cancelled') {
      const message = trans.__(
        'Reading into %1 is cancelled: the dataset is as before.',
        form.into
      );
      Notification.update({ id, message, type: 'info', autoClose: LONG_MS, actions: [again] });
      return;
    }
    isIn(workbench, id, form.into, unfailed(job));
  } catch (error) {
    const [message, details] = brief(reasonOf(error) || errorText(error, trans), trans);
    const actions = [again, ...details];
    Notification.update({ id, message, type: 'error', autoClose: false, actions });
  }
}

/** Tell that the rows are in, and show them. */
function isIn({ trans, open }: IWorkbench, id: string, into: string, job: IJob): void {
  const show = (): void => void open(formatRef('dataset', into));
  const rows = job.progress_text || trans.__('the rows are in');
  const [message, details] = brief(`${into}: ${rows}`, trans);
  const [aside] = /\bquarantine\.[\w.]*\w/.exec(job.progress_text) ?? [];
  const left = aside && {
    label: trans.__('Rows That Did Not Fit'),
    callback: () => void open(formatRef('dataset', aside))
  };
  const actions = [
    { label: trans.__('Open'), callback: show },
    ...(left ? [left] : []),
    ...details
  ];
  Notification.update({ id, message, type: 'success', autoClose: LONG_MS, actions });
  show();
}

/** The job's own message, which names the fix; empty if there is none. */
function reasonOf(error: unknown): string {
  const failure = asApiError(error);
  return failure.code === 'failed' ? failure.why : '';
}
