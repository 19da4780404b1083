import type { IClient } from '../api/client';
import type { IDeployedVersion, IJob } from '../api/types';
import { nameOf } from '../refs';
import { versionRef } from './series';

/** Jobs that are looked through for the last deploy of a version. */
const LATEST = 200;

/**
 * Deploy a version again as it was deployed last: by a job like that one, with the same share, answers
 * and features. Where that job is not among the latest, on the same runtime.
 */
export async function deployAgain(
  client: IClient,
  deployment: string,
  version: IDeployedVersion
): Promise<IJob> {
  const named = nameOf(versionRef(version));
  const { items } = await client.jobs.list({ limit: LATEST });
  const last = items.find(({ name }) => name === `deploy ${named} to ${deployment}`);
  return last
    ? client.jobs.clone(last.id)
    : client.deployments.deploy({ name: deployment, version: named, runtime: version.runtime });
}
