import type { IClient } from '../api/client';
import type { IDeployedVersion, IJob } from '../api/types';
import { nameOf } from '../refs';
import { versionRef } from './series';

/** Jobs that are looked through for the last deploy of a version. */
const LATEST = 200;

/** The reason that lets a version pass although a test fails was given once, for that deploy. */
const isOverride = (word: string): boolean => word.startsWith('--override=');

/**
 * Deploy a version again as it was deployed last: by a job like that one, with the same share, answers
 * and features, but without a reason that overrode failed tests. Where that job is not among the
 * latest, on the same runtime.
 */
export async function deployAgain(
  client: IClient,
  deployment: string,
  version: IDeployedVersion
): Promise<IJob> {
  const named = nameOf(versionRef(version));
  const { items } = await client.jobs.list({ limit: LATEST });
  const last = items.find(({ name }) => name === `deploy ${named} to ${deployment}`);
  if (!last) {
    return client.deployments.deploy({
      name: deployment,
      version: named,
      runtime: version.runtime
    });
  }
  const { name, command, cpus, labels } = last;
  return command.some(isOverride)
    ? client.jobs.submit({ name, command: command.filter(word => !isOverride(word)), cpus, labels })
    : client.jobs.clone(last.id);
}
