import { Dialog, InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { ISnapshot } from '../api/types';
import { formatRef, parseRef, short } from '../refs';
import type { IActionCall, IOutcome, IWorkbench, Perform } from '../tokens';
import { tellOwn } from './careverbs';

/** The dataset, and the snapshot that the call is about. */
function whatOf({ ref, workbench }: IActionCall<ISnapshot>): { name: string; at: string } {
  const parsed = parseRef(ref);
  const [name = '', at] = [parsed?.parts[0], parsed?.at];
  if (!at) {
    const { trans } = workbench;
    throw new ApiError(
      'bad_request',
      trans.__('No snapshot is chosen.'),
      trans.__('%1 stands for the newest state.', name),
      trans.__('Choose one in the tab Snapshots.')
    );
  }
  return { name, at };
}

const tell = ({ events }: IWorkbench, name: string): void =>
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });

/** Bring an earlier state back; the undo brings back what was there. */
export const restore: Perform<ISnapshot> = async call => {
  const { workbench } = call;
  const { client, trans } = workbench;
  const { name, at } = whatOf(call);
  const done = await client.catalog.restoreSnapshot(name, at);
  tellOwn(workbench, name);
  if (!done.undo) {
    return { message: trans.__('%1 has these rows already.', name) };
  }
  const before = done.undo.split(' ').pop() ?? '';
  return {
    message: trans.__('%1 is as it was at snapshot %2.', name, short(at)),
    undo: {
      command: 'mlinfra:catalog-restore-snapshot',
      args: { ref: formatRef('dataset', name, before) }
    }
  };
};

/** Name a snapshot. */
export const tag: Perform<ISnapshot> = async call => {
  const { workbench, args, ref } = call;
  const { client, trans } = workbench;
  const { name, at } = whatOf(call);
  const tags = (args.tags as string[] | undefined) ?? (await ask(workbench, at));
  if (!tags?.length) {
    return null;
  }
  await client.catalog.tagSnapshot(name, at, { add: tags });
  tell(workbench, name);
  return {
    message: trans.__('Snapshot %1 of %2 is tagged %3.', short(at), name, tags.join(', ')),
    undo: { command: 'mlinfra:catalog-untag-snapshot', args: { ref, tags } }
  };
};

/** Take its names off a snapshot. */
export const untag: Perform<ISnapshot> = async (call): Promise<IOutcome | null> => {
  const { workbench, args, ref, item } = call;
  const { client, trans } = workbench;
  const { name, at } = whatOf(call);
  const own = Object.entries(item?.refs ?? {}).flatMap(([word, kind]) =>
    kind === 'tag' ? [word] : []
  );
  const tags = (args.tags as string[] | undefined) ?? own;
  if (!tags.length) {
    return null;
  }
  await client.catalog.tagSnapshot(name, at, { remove: tags });
  tell(workbench, name);
  return {
    message: trans.__(
      'Snapshot %1 of %2 has no tag %3 any more.',
      short(at),
      name,
      tags.join(', ')
    ),
    undo: { command: 'mlinfra:catalog-tag-snapshot', args: { ref, tags } }
  };
};

async function ask({ trans }: IWorkbench, at: string): Promise<string[] | null> {
  const answer = await InputDialog.getText({
    title: trans.__('Tag snapshot %1', short(at)),
    label: trans.__('A word, such as gold or v1.2'),
    okLabel: trans.__('Tag'),
    cancelLabel: Dialog.cancelButton().label
  });
  const word = answer.value?.trim();
  return answer.button.accept && word ? [word] : null;
}
