import { InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IDeployedVersion, IDeployment } from '../api/types';
import type { IActionCall, Perform } from '../tokens';
import { onStandby, shadowsOf } from './shadowing';

type Call = IActionCall<IDeployment>;

/** Give a version copies; without a share in the arguments it asks for it. */
export const startShadow: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const version = await versionOf(call, onStandby, {
    title: trans.__('Start a shadow of %1', call.name),
    none: trans.__('No version of %1 is on standby.', call.name)
  });
  const percent = version && (await percentOf(call, version));
  if (!version || percent === null) {
    return null;
  }
  await client.deployments.copy(call.name, version.version, percent);
  return {
    message: trans.__(
      '%1 gets copies of %2 % of the requests to %3.',
      version.version,
      percent,
      call.name
    ),
    undo: {
      command: 'mlinfra:deployments-end-shadow',
      args: { ref: call.ref, version: version.version }
    }
  };
};

export const endShadow: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const version = await versionOf(call, shadowsOf, {
    title: trans.__('End a shadow of %1', call.name),
    none: trans.__('%1 has no shadow.', call.name)
  });
  if (!version) {
    return null;
  }
  await client.deployments.copy(call.name, version.version, 0);
  return {
    message: trans.__('%1 gets no more copies.', version.version),
    undo: {
      command: 'mlinfra:deployments-start-shadow',
      args: { ref: call.ref, version: version.version, percent: version.shadow }
    }
  };
};

/** The version of the arguments, the only one, or the one chosen; null where the user goes away. */
async function versionOf(
  { workbench: { client, trans }, name, args }: Call,
  fitting: (deployment: IDeployment) => IDeployment['versions'],
  { title, none }: { title: string; none: string }
): Promise<IDeployedVersion | null> {
  const found = fitting((await client.deployments.show(name)).deployment);
  const [only, ...others] = found;
  if (typeof args.version === 'string' || !others.length) {
    const version = args.version ? found.find(item => item.version === args.version) : only;
    if (!version) {
      throw new ApiError(
        'conflict',
        typeof args.version === 'string'
          ? trans.__('%1 of %2 is in another state by now.', args.version, name)
          : none,
        '',
        trans.__('Its page shows its versions.')
      );
    }
    return version;
  }
  const { button, value } = await InputDialog.getItem({
    title,
    label: trans.__('Version:'),
    items: found.map(item => item.version),
    okLabel: trans.__('Next')
  });
  return button.accept ? (found.find(item => item.version === value) ?? null) : null;
}

/** Percent of the requests; null where the user goes away. */
async function percentOf(
  { workbench: { trans }, name, args }: Call,
  { version }: IDeployedVersion
): Promise<number | null> {
  const checked = (percent: unknown): number => {
    if (typeof percent === 'number' && Number.isInteger(percent) && percent > 0 && percent <= 100) {
      return percent;
    }
    throw new ApiError(
      'bad_request',
      trans.__('%1 was made no shadow.', version),
      trans.__('The share of the copies is no whole number from 1 to 100.'),
      trans.__('For example 100')
    );
  };
  if (args.percent !== undefined) {
    return checked(args.percent);
  }
  const { button, value } = await InputDialog.getNumber({
    title: trans.__('Make %1 a shadow of %2', version, name),
    label: trans.__('Percent of the requests that it gets a copy of; nobody gets its answers:'),
    value: 100,
    okLabel: trans.__('Start Shadow')
  });
  return button.accept ? checked(value) : null;
}
