import { InputDialog } from '@jupyterlab/apputils';

import type { IDeployment } from '../api/types';
import type { Perform } from '../tokens';
import { HOURS } from './plancommands';

/**
 * Hold a plan: its next step does not come. That has no undo, as the time of its present step is not
 * brought back.
 */
export const pausePlan: Perform<IDeployment> = async ({ workbench, name, ref }) => {
  const { client, events, trans } = workbench;
  const { version } = await client.deployments.pause(name);
  events.tell({ topic: 'deployment', ref, data: {} });
  return {
    message: trans.__('The plan of %1 is held. Resume begins its present step again.', version)
  };
};

export const resumePlan: Perform<IDeployment> = async ({ workbench, name, ref }) => {
  const { client, trans } = workbench;
  const { version } = await client.deployments.resume(name);
  return {
    message: trans.__('The plan of %1 goes on; its present step begins again.', version),
    undo: { command: 'mlinfra:deployments-pause-plan', args: { ref } }
  };
};

/** Send logged requests to a version, as a job; without one in the arguments it asks which. */
export const replay: Perform<IDeployment> = async ({ workbench, name, args }) => {
  const { client, open, trans } = workbench;
  let { version } = args;
  if (typeof version !== 'string') {
    const { versions } = (await client.deployments.show(name)).deployment;
    const chosen = await InputDialog.getItem({
      title: trans.__('Replay to a version of %1', name),
      label: trans.__('It is sent the requests of the last %1 hours, and gets no traffic.', HOURS),
      items: versions.map(item => item.version),
      current: versions.length - 1,
      okLabel: trans.__('Replay')
    });
    if (!chosen.button.accept || !chosen.value) {
      return null;
    }
    version = chosen.value;
  }
  const hours = typeof args.hours === 'number' ? args.hours : HOURS;
  const job = await client.deployments.replay(name, version, hours);
  await open(job.ref);
};
