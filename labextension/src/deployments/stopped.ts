import type { IDeployedVersion, IDeployment } from '../api/types';

/** Tests without which there are no processes that could answer, whatever the reason. */
const NEEDED = ['signature', 'engine', 'environment', 'start'];

export const failedGates = ({ gates }: IDeployedVersion): IDeployedVersion['gates'] =>
  gates.filter(({ passed }) => passed === false);

/** Whether a failed test keeps a version from traffic. */
export const isStopped = (version: IDeployedVersion): boolean =>
  version.state !== 'ready' && version.traffic === 0 && failedGates(version).length > 0;

export const stopped = ({ versions }: IDeployment): readonly IDeployedVersion[] =>
  versions.filter(isStopped);

/** Whether a stopped version can answer all the same. */
export const canAnswer = (version: IDeployedVersion): boolean =>
  failedGates(version).every(({ name }) => !NEEDED.includes(name));
