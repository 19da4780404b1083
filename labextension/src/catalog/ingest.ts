import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import { errorText } from '../components/card';
import { ended } from '../jobs/ended';
import { toProject } from '../notebook/paths';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

const TABLES = /\.(csv|csv\.gz|parquet|jsonl?|ndjson)$/i;

/** The files with tables that are selected in the file browser. */
export function selectedTables(browsers: IFileBrowserFactory | null): string[] {
  const items = browsers?.tracker.currentWidget?.selectedItems();
  return items
    ? [...items].filter(item => item.type !== 'directory' && TABLES.test(item.path)).map(item => item.path)
    : [];
}

/** A dataset's name as a file's name suggests it. */
export function suggestedName(path: string): string {
  const file = path.split('/').pop() ?? path;
  const plain = file.replace(TABLES, '').replace(/\W+/g, '_').toLowerCase();
  return `data.${/^[a-z_]/.test(plain) ? plain : `t_${plain}`}`;
}

/** Ask for the dataset's name, ingest the files, and show the dataset. */
export async function ingestFiles(workbench: IWorkbench, paths: readonly string[]): Promise<void> {
  const { client, trans, open } = workbench;
  const [first] = paths;
  if (!first) {
    return;
  }
  const answer = await InputDialog.getText({
    title: trans._n('Register %1 file as a dataset', 'Register %1 files as a dataset', paths.length),
    label: trans.__('NAMESPACE.TABLE; rows are added if it is there already.'),
    text: suggestedName(first),
    okLabel: trans.__('Register')
  });
  const name = answer.button.accept ? answer.value?.trim() : '';
  if (!name) {
    return;
  }
  const reading = (async () => {
    const project = await client.project();
    const files = paths.map(path => toProject(path, project) ?? path);
    return (await ended(client, await client.catalog.ingest(files, name))).id;
  })();
  Notification.promise(reading, {
    pending: { message: trans.__('Reading into %1…', name) },
    success: { message: () => trans.__('%1 holds the rows.', name) },
    error: {
      message: failure => errorText(failure, trans)
    }
  });
  const written = await reading.then(
    () => true,
    () => false
  );
  if (written) {
    await open(formatRef('dataset', name));
  }
}
