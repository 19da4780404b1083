import { InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IContract, IDataset } from '../api/types';
import { confirm, done, failed, inform } from '../components/confirm';
import { errorText } from '../components/explain';
import * as format from '../format';
import { ended, over } from '../jobs/ended';
import { notify } from '../jobs/notify';
import { isActive } from '../jobs/state';
import type { IOutcome, IWorkbench, Perform } from '../tokens';
import { after, type Call, PATIENCE, tellOwn } from './careverbs';

/** Compare all files with their checksums; or set damaged ones aside, or put whole ones back. */
export const verify: Perform<IDataset> = async call => {
  const { args, name, workbench } = call;
  const { client, trans } = workbench;
  const what = args.what === 'quarantine' || args.what === 'put-back' ? args.what : 'look';
  if (what === 'quarantine' && !(await surely(call))) {
    return null;
  }
  const before = (await client.catalog.verified(name)).at;
  const job = await over(client, await client.catalog.verify(name, what), {
    signal: AbortSignal.timeout(PATIENCE)
  });
  if (what !== 'look') {
    tellOwn(workbench, name);
  }
  if (isActive(job)) {
    notify(workbench, job.ref);
    return undefined;
  }
  const { at, found } = await client.catalog.verified(name);
  if (!found || at === before || (job.state !== 'succeeded' && !found.damaged.length)) {
    throw new ApiError('failed', `${job.name}: ${job.state}.`, job.reason, '');
  }
  const left = found.damaged.filter(({ file }) => !found.set_aside.includes(file));
  if (left.length) {
    const files = left.map(({ file }) => fileName(file)).join(', ');
    const message = trans.__('%1 is damaged: %2.', name, files);
    throw new ApiError('failed', message, left[0]?.why, trans.__('The tab Care sets it aside.'));
  }
  return { message: told(call, what, found.set_aside.length + found.put_back.length) };
};

function told({ name, workbench: { trans } }: Call, what: string, moved: number): string {
  switch (what) {
    case 'quarantine':
      return trans._n('%1 file of %2 is set aside.', '%1 files of %2 are set aside.', moved, name);
    case 'put-back':
      return trans._n('%1 file of %2 is back.', '%1 files of %2 are back.', moved, name);
    default:
      return trans.__('No file of %1 is damaged.', name);
  }
}

const surely = ({ name, workbench: { trans } }: Call): Promise<boolean> =>
  confirm({
    title: trans.__('Set damaged files of %1 aside?', name),
    body: trans.__(
      'Their rows are missing from the dataset until the files are whole again and put back. Older snapshots keep them.'
    ),
    action: trans.__('Set Aside'),
    trans
  });

/** Delete the files of a deleted dataset. */
export const purge: Perform<IDataset> = async call => {
  const { args, name, workbench } = call;
  const { client, trans } = workbench;
  const sure = await confirm({
    title: trans.__('Delete %1 for good?', name),
    body: trans.__('Its files are deleted. It cannot be restored any more.'),
    action: trans.__('Delete for Good'),
    trans
  });
  if (!sure) {
    return null;
  }
  return after(call, await client.catalog.purge(Number(args.trashed)), {
    message: trans.__('%1 is deleted for good.', name)
  });
};

/** Delete what no snapshot has, in the folders of all datasets. */
export async function cleanAll({ client, trans }: IWorkbench): Promise<void> {
  try {
    const { items } = await client.catalog.orphansOfAll();
    const count = items.reduce((sum, { orphans_total }) => sum + orphans_total, 0);
    if (!count) {
      inform(trans.__('No dataset has a file that may be deleted.'), trans);
      return;
    }
    const sure = await confirm({
      title: trans.__('Delete unneeded files of all datasets?'),
      body: trans._n(
        '%1 file that no snapshot has, %2, and what the trash has kept long enough. It cannot be brought back.',
        '%1 files that no snapshot has, %2, and what the trash has kept long enough. They cannot be brought back.',
        count,
        format.bytes(items.reduce((sum, { bytes }) => sum + bytes, 0))
      ),
      action: trans.__('Delete'),
      trans
    });
    if (sure) {
      await ended(client, await client.catalog.cleanAll());
      done(trans.__('The unneeded files are deleted.'), trans);
    }
  } catch (error) {
    failed(errorText(error, trans), trans);
  }
}

/** Write the rows that did not fit to a file. */
export const exportRows: Perform<IDataset> = async call => {
  const { name, workbench } = call;
  const file = await askFile(call, workbench.trans.__('Export the rows to a new file'), 'csv');
  if (!file) {
    return null;
  }
  const { rows } = await workbench.client.catalog.exportRows(name, file);
  return {
    message: workbench.trans._n(
      '%1 row is in %2: mend it there, then ingest it.',
      '%1 rows are in %2: mend them there, then ingest them.',
      rows,
      file
    )
  };
};

/** Ingest the rows of the file, once they are mended. */
export const mend: Perform<IDataset> = async call => {
  const { workbench } = call;
  const file = await askFile(call, workbench.trans.__('Ingest the mended rows of'), 'csv');
  return file
    ? after(call, await workbench.client.catalog.mend(call.name, file), {
        message: workbench.trans.__('The rows of %1 are in.', file)
      })
    : null;
};

export const exportContract: Perform<IDataset> = async call => {
  const { trans } = call.workbench;
  const file = await askFile(call, trans.__('Export the contract to a new file'), 'odcs.yaml');
  return file ? agreed(call, 'export', file) : null;
};

export const importContract: Perform<IDataset> = async call => {
  const { trans } = call.workbench;
  const file = await askFile(call, trans.__('Import the rules of the contract'), 'odcs.yaml');
  return file ? agreed(call, 'import', file) : null;
};

async function agreed(call: Call, what: 'export' | 'import', file: string): Promise<IOutcome> {
  const { name, workbench } = call;
  const { client, trans } = workbench;
  const { rules, left_out }: IContract = await client.catalog.contract(name, what, file);
  const message =
    what === 'export'
      ? trans._n('%2 has %1 rule of %3.', '%2 has %1 rules of %3.', rules, file, name)
      : trans._n('%3 has %1 rule of %2.', '%3 has %1 rules of %2.', rules, file, name);
  const rest = left_out.map(line => `${trans.__('left out')}: ${line}`);
  return { message: [message, ...rest].join('\n') };
}

/** A file of the project; empty if the user cancels. */
async function askFile({ name }: Call, title: string, ending: string): Promise<string> {
  const { value } = await InputDialog.getText({ title, text: `${name}.${ending}` });
  return value?.trim() ?? '';
}

const fileName = (path: string): string => path.replace(/.*\//, '');
