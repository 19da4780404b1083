import { InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IDeployedVersion, IDeployment } from '../api/types';
import { confirm } from '../components/confirm';
import { nameOf } from '../refs';
import type { IActionCall, Perform } from '../tokens';
import { canaryOf } from './canary';
import { versionRef } from './series';
import { canAnswer, failedGates, stopped } from './stopped';
import { type Weights, weightsOf, words } from './weights';

/** The deployment as it is now: an undo goes back to it. */
const deploymentOf = async ({ workbench, name }: IActionCall<IDeployment>): Promise<IDeployment> =>
  (await workbench.client.deployments.show(name)).deployment;

export const promote: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const deployment = await deploymentOf(call);
  const version = canaryOf(deployment);
  if (version === undefined) {
    throw new ApiError(
      'conflict',
      trans.__('%1 has no canary to promote.', deployment.name),
      '',
      trans.__('Give a part of the traffic to another version first.')
    );
  }
  const sure = await confirm({
    title: trans.__('Promote %1?', version),
    body: trans.__(
      '%1 takes all traffic of %2 and becomes its stable version. Roll back takes it away again. The model’s champion alias does not move: that is promoted on the model’s page.',
      version,
      deployment.name
    ),
    action: trans.__('Promote'),
    trans
  });
  if (!sure) {
    return null;
  }
  await client.deployments.promote(deployment.name, version);
  return { message: trans.__('%1 now answers all requests to %2.', version, deployment.name) };
};

export const rollback: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const { name, versions } = await deploymentOf(call);
  const before = weightsOf(versions);
  const after = weightsOf((await client.deployments.rollback(name)).versions);
  return {
    message: trans.__('%1 is back at %2; it was at %3.', name, words(after), words(before)),
    undo: {
      command: 'mlinfra:deployments-change-traffic',
      args: { ref: call.ref, weights: before, reason: trans.__('undo') }
    }
  };
};

/** The version of the arguments, else the first one, that an override would give its traffic. */
function stoppedOf(
  { workbench: { trans }, args }: IActionCall<IDeployment>,
  deployment: IDeployment
): IDeployedVersion {
  const { name } = deployment;
  const found = stopped(deployment).filter(canAnswer);
  const version =
    typeof args.version === 'string' ? found.find(item => item.version === args.version) : found[0];
  if (!version) {
    throw new ApiError(
      'conflict',
      typeof args.version === 'string'
        ? trans.__('%1 of %2 needs no override, or cannot have one.', args.version, name)
        : trans.__('No version of %1 needs an override, or can have one.', name),
      trans.__('It is for a version that has started, and that a failed test keeps from traffic.'),
      trans.__('Its page shows its tests.')
    );
  }
  return version;
}

/** Deploy a version although a test has failed: the reason is asked for, and is no empty one. */
export const override: Perform<IDeployment> = async call => {
  const { client, open, trans } = call.workbench;
  const deployment = await deploymentOf(call);
  const { name } = deployment;
  const version = stoppedOf(call, deployment);
  const tests = failedGates(version).map(gate => gate.name);
  const answer = await InputDialog.getText({
    title: trans.__('Deploy %1 of %2 despite a failed test?', version.version, name),
    label: trans.__(
      '%1 has failed. Say why it may answer requests all the same; the reason stays in the history.',
      tests.join(', ')
    ),
    placeholder: trans.__('reason'),
    required: true,
    okLabel: trans.__('Deploy')
  });
  const reason = answer.value?.trim();
  if (!answer.button.accept) {
    return null;
  }
  if (!reason) {
    throw new ApiError(
      'bad_request',
      trans.__('%1 was not deployed.', version.version),
      trans.__('An override needs a reason.'),
      trans.__('Say why its failed test does not matter.')
    );
  }
  const job = await client.deployments.deploy({
    name,
    version: nameOf(versionRef(version)),
    override: reason
  });
  await open(job.ref);
};

export const changeTraffic: Perform<IDeployment> = async call => {
  const { client, trans } = call.workbench;
  const { name, versions } = await deploymentOf(call);
  const weights = (call.args.weights ?? {}) as Weights;
  const now = Object.fromEntries(versions.map(({ version, traffic }) => [version, traffic]));
  const before = Object.fromEntries(
    Object.keys(weights).map(version => [version, now[version] ?? 0])
  );
  const reason = typeof call.args.reason === 'string' ? call.args.reason : '';
  await client.deployments.traffic(name, weights, reason);
  return {
    message: trans.__('%1: %2.', name, words(weights)),
    undo: {
      command: 'mlinfra:deployments-change-traffic',
      args: { ref: call.ref, weights: before, reason: trans.__('undo') }
    }
  };
};
