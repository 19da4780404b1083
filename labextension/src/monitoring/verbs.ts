import type { IMonitor } from '../api/types';
import type { Perform } from '../tokens';

export const evaluate: Perform<IMonitor> = async ({ workbench, name, ref }) => {
  await workbench.client.monitoring.evaluate(name);
  workbench.events.tell({ topic: 'alert', ref, data: {} });
};
