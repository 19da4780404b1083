import { InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IDataset, IJob } from '../api/types';
import { confirm } from '../components/confirm';
import * as format from '../format';
import { ended } from '../jobs/ended';
import { notify } from '../jobs/notify';
import { isActive } from '../jobs/state';
import { formatRef } from '../refs';
import type { IActionCall, IOutcome, IWorkbench, Perform } from '../tokens';

/** As long as this, in milliseconds, the end of a job is waited for; then it is notified of. */
export const PATIENCE = 600_000;

export type Call = IActionCall<IDataset>;

/** Announce what the user did with the rows of a dataset, so that its page shows it at once. */
export const tellOwn = ({ events }: IWorkbench, name: string): void =>
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: { own: true } });

/** What is said when a job is over; nothing where it goes on: its end is notified of. */
export async function after(
  call: Call,
  job: IJob,
  outcome: IOutcome
): Promise<IOutcome | undefined> {
  const { workbench, name } = call;
  const over = await ended(workbench.client, job, { signal: AbortSignal.timeout(PATIENCE) });
  if (isActive(over)) {
    notify(workbench, over.ref);
    return undefined;
  }
  tellOwn(workbench, name);
  return outcome;
}

/** Join small files, once the user has seen what that does. */
export const compact: Perform<IDataset> = async call => {
  const { name, workbench } = call;
  const { client, trans } = workbench;
  const plan = await client.catalog.compaction(name);
  const [before, left] = [plan.files_before, plan.files_after].map(format.number);
  if (!plan.bytes) {
    return {
      message: trans.__(
        'There is nothing to compact in %1: no small files to join, no deleted rows to take out.',
        name
      )
    };
  }
  const sure = await confirm({
    title: trans.__('Compact %1?', name),
    body: trans.__(
      'Of %1 files about %2 are left; %3 are written again. The rows and their order stay, and earlier snapshots keep the old files.',
      before ?? '',
      left ?? '',
      format.bytes(plan.bytes)
    ),
    action: trans.__('Compact'),
    trans
  });
  if (!sure) {
    return null;
  }
  return after(call, await client.catalog.compact(name), {
    message: trans.__('%1 is compacted.', name)
  });
};

/** Delete what no snapshot has, once the user has seen how much that is. */
export const clean: Perform<IDataset> = async call => {
  const { name, workbench } = call;
  const { client, trans } = workbench;
  const plan = await client.catalog.orphans(name);
  const count = plan.orphans_total;
  if (!count) {
    return { message: trans.__('%1 has no file that may be deleted.', name) };
  }
  const sure = await confirm({
    title: trans.__('Delete unneeded files of %1?', name),
    body: trans._n(
      '%1 file that no snapshot has, %2. It cannot be brought back.',
      '%1 files that no snapshot has, %2. They cannot be brought back.',
      count,
      format.bytes(plan.bytes)
    ),
    action: trans.__('Delete'),
    trans
  });
  if (!sure) {
    return null;
  }
  return after(call, await client.catalog.clean(name), {
    message: trans.__('The unneeded files of %1 are deleted.', name)
  });
};

/** Move to a tier; without one in the arguments it is asked for. */
export const move: Perform<IDataset> = async call => {
  const { args, name, ref, workbench } = call;
  const { client, trans } = workbench;
  const care = await client.catalog.care(name);
  const tier = typeof args.tier === 'string' ? args.tier : await ask(call, care.tier, care.tiers);
  if (!tier) {
    return null;
  }
  return after(call, await client.catalog.move(name, tier), {
    message: trans.__('%1 is in the tier %2.', name, tier),
    undo: { command: 'mlinfra:catalog-move', args: { ref, tier: care.tier } }
  });
};

/** The tier that the user chooses; null if none. */
async function ask(
  { name, workbench: { trans } }: Call,
  now: string,
  tiers: readonly string[]
): Promise<string | null> {
  const others = tiers.filter(tier => tier !== now);
  if (!others.length) {
    throw new ApiError(
      'bad_request',
      trans.__('There is no other tier.'),
      '',
      trans.__('Add one to mlinfra.toml: [catalog.tiers.cold] with a warehouse.')
    );
  }
  const { value } = await InputDialog.getItem({
    title: trans.__('Move %1 to', name),
    items: others,
    okLabel: trans.__('Move')
  });
  return value;
}

/** Into the trash. */
export const remove: Perform<IDataset> = async ({ name, ref, workbench }) => {
  const { client, events, trans } = workbench;
  const { trash } = await client.catalog.remove(name);
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });
  return {
    message: trans.__('%1 is deleted.', name),
    undo:
      trash === null
        ? undefined
        : { command: 'mlinfra:catalog-restore', args: { ref, trashed: trash } }
  };
};

/** Back out of the trash. */
export const restore: Perform<IDataset> = async ({ args, name, ref, workbench }) => {
  const { client, events, trans } = workbench;
  await client.catalog.restore(Number(args.trashed));
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });
  return {
    message: trans.__('%1 is restored.', name),
    undo: { command: 'mlinfra:catalog-delete', args: { ref } }
  };
};
