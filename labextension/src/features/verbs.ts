import type { IView, IViewDetail } from '../api/types';
import { keepIn } from '../hooks/memory';
import { ended } from '../jobs/ended';
import { notify } from '../jobs/notify';
import { isActive } from '../jobs/state';
import type { IWorkbench, Perform } from '../tokens';
import { DEFINING } from './defining';

export { deprecate, tag } from './labelverbs';

/** As long as this, in milliseconds, its end is waited for; then it is notified of. */
const PATIENCE = 600_000;

export const materialize: Perform<IView | IViewDetail> = async ({ workbench, name, ref }) => {
  const { client, events, trans } = workbench;
  const signal = AbortSignal.timeout(PATIENCE);
  const job = await ended(client, await client.features.materialize(name), { signal });
  if (isActive(job)) {
    notify(workbench, job.ref);
    return;
  }
  events.tell({ topic: 'view', ref, data: {} });
  return { message: trans.__('The newest values of %1 are online.', name) };
};

export const check: Perform<IView | IViewDetail> = async ({ workbench, name }) => {
  const { client, trans } = workbench;
  const signal = AbortSignal.timeout(PATIENCE);
  const job = await ended(client, await client.features.check(name), { signal });
  if (isActive(job)) {
    notify(workbench, job.ref);
    return;
  }
  return { message: trans.__('The online values of %1 are those of its source.', name) };
};

/** Show the form for definitions in the panel. */
export async function define(workbench: IWorkbench): Promise<void> {
  keepIn(workbench, DEFINING, true);
  await workbench.commands.execute('mlinfra:features-show');
}

interface IComputed {
  workbench: IWorkbench;
  name: string;
  ref: string;
}

/** Run the code of an on-demand view for its statistics. */
export async function compute({ workbench, name, ref }: IComputed): Promise<void> {
  const { client, events } = workbench;
  const signal = AbortSignal.timeout(PATIENCE);
  const job = await ended(client, await client.features.compute(name), { signal });
  if (isActive(job)) {
    notify(workbench, job.ref);
  } else {
    events.tell({ topic: 'view', ref, data: {} });
  }
}
