import type { IDeployedVersion, IDeployment, IPage } from '../api/types';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

/** The longest page that the server gives. */
const MOST = 500;

/** A place where a version of a model answers, or waits to. */
export interface IPlace {
  deployment: string;
  version: IDeployedVersion;
}

/** The places of each version of a model, by its number. */
export function placesOf(
  model: string,
  deployments: readonly IDeployment[]
): ReadonlyMap<number, readonly IPlace[]> {
  const found = new Map<number, IPlace[]>();
  for (const { name, versions } of deployments) {
    for (const version of versions) {
      const number = Number(version.version.replace(/^v/, ''));
      if (version.model.replace('models:/', '').split('/')[0] === model) {
        found.set(number, [...(found.get(number) ?? []), { deployment: name, version }]);
      }
    }
  }
  return found;
}

/** The place whose tests are told: one where a test failed, else the first that has any. */
export function testedPlace(places: readonly IPlace[] = []): IPlace | undefined {
  const tested = places.filter(({ version }) => version.gates.length);
  return (
    tested.find(({ version }) => version.gates.some(gate => gate.passed === false)) ?? tested[0]
  );
}

/** The deployments of the project; undefined until they are known. when: whether to ask. */
export function useDeployed(when = true): readonly IDeployment[] | undefined {
  const { client } = useWorkbench();
  const { data } = useQuery<IPage<IDeployment>>(
    `deployments:${MOST}`,
    async signal => client.deployments.list({ limit: MOST }, signal),
    { topics: ['deployment'], when }
  );
  return data?.items;
}

/** Where the versions of a model are deployed; undefined until that is known. */
export function usePlaces(model: string): ReadonlyMap<number, readonly IPlace[]> | undefined {
  const deployments = useDeployed();
  return deployments && placesOf(model, deployments);
}
