import type { IUse } from '../answers/answers';
import type { ICompute } from '../api/types';
import type { IWorkbench } from '../tokens';

/** Nothing is asked while JupyterLab starts; afterwards only when there is news. */
export const START_MS = 3_000;

/** The number of alerts that fire. */
export type Firing = Readonly<{ total: number }>;

/**
 * Without a project, or our half of the server, there is nothing to tell until something happens.
 */
const FINAL = ['not_found', 'no_server'];

/** What uses the GPUs, and what waits. A cluster is used by others too. */
export const computeUse = ({ answers, client }: IWorkbench): IUse<ICompute> =>
  answers.use('compute', signal => client.jobs.compute(signal), {
    topics: ['job'],
    every: data => (data && data.backend !== 'local' ? 15_000 : null),
    final: FINAL
  });

/** How many alerts fire. */
export const firingUse = ({ answers, client }: IWorkbench): IUse<Firing> =>
  answers.use(
    'alerts:firing:1',
    signal => client.monitoring.alerts({ firing: true, limit: 1 }, signal),
    { topics: ['alert'], every: () => null, final: FINAL }
  );

/** Whether there is nothing to tell. */
export const isQuiet = (compute: ICompute, firing: Firing): boolean =>
  !compute.running &&
  !compute.waiting &&
  !firing.total &&
  !compute.devices.some(device => device.holder);
