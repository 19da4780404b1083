import type { IMonitor } from '../api/types';
import { notify } from '../jobs/notify';
import type { Perform } from '../tokens';

export const evaluate: Perform<IMonitor> = async ({ workbench, name, ref }) => {
  await workbench.client.monitoring.evaluate(name);
  workbench.events.tell({ topic: 'alert', ref, data: {} });
};

export const watch: Perform = async ({ workbench, name }) => {
  const { client, events, open, trans } = workbench;
  const monitor = await client.monitoring.watch(name);
  events.tell({ topic: 'monitor', ref: monitor.ref, data: {} });
  await open(monitor.ref);
  return { message: trans.__('%1 is watched from now on.', name) };
};

export const buildReference: Perform<IMonitor> = async ({ workbench, name, ref }) => {
  const { client, events, trans } = workbench;
  const job = await client.monitoring.reference(name);
  const ended = events.listen(['job'], event => {
    if (
      event.ref === job.ref &&
      ['succeeded', 'failed', 'cancelled'].includes(String(event.data.state))
    ) {
      ended.dispose();
      events.tell({ topic: 'monitor', ref, data: {} });
    }
  });
  notify(workbench, job.ref);
  return { message: trans.__('Job %1 builds the reference of %2.', job.name, name) };
};
