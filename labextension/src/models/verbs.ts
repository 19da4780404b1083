import { InputDialog } from '@jupyterlab/apputils';

import { ApiError } from '../api/errors';
import type { IVersion } from '../api/types';
import { confirm } from '../components/confirm';
import { deployRef } from '../deployments/deployref';
import { formatRef, kindOf } from '../refs';
import type { IActionCall, Perform } from '../tokens';

const ALIASES = ['champion', 'challenger', 'candidate'];

async function versionOf({ workbench, ref, name, item }: IActionCall<IVersion>): Promise<IVersion> {
  if (item) {
    return item;
  }
  const { client, trans } = workbench;
  const [named = name, version = ''] = name.split('/');
  const alias = ref.split('@')[1] ?? '';
  const { model, versions } = await client.experiments.model(named);
  const number = model.aliases[alias];
  const found = versions.find(one => one.ref === ref || one.version === number);
  if (!found) {
    throw new ApiError(
      'not_found',
      trans.__('Model %1 has no version %2.', named, alias || version),
      '',
      trans.__('Open the page of the model: it lists its versions.')
    );
  }
  return found;
}

/** Move an alias, and offer to move it back. */
export const promote: Perform<IVersion> = async call => {
  const { client, trans } = call.workbench;
  const version = await versionOf(call);
  const { model } = version;
  const named = typeof call.args.alias === 'string' ? call.args.alias : undefined;
  const answer =
    named ??
    (
      await InputDialog.getItem({
        title: trans.__('Promote %1 v%2', model, version.version),
        label: trans.__(
          'The alias moves to this version. Traffic of deployments does not change: that is promoted on the deployment’s page.'
        ),
        items: ALIASES,
        current: 0,
        editable: true,
        okLabel: trans.__('Move Alias')
      })
    ).value;
  const alias = answer?.trim();
  if (!alias) {
    return null;
  }
  const before = (await client.experiments.model(model)).model.aliases[alias];
  await client.experiments.promote(model, version.version, alias);
  return {
    message: trans.__('%1 is now v%2 of %3.', alias, version.version, model),
    undo:
      before && before !== version.version
        ? {
            command: 'mlinfra:models-promote',
            args: { ref: formatRef('version', [model, String(before)]), alias }
          }
        : undefined
  };
};

/** Take a version out of the registry. */
export const remove: Perform<IVersion> = async call => {
  const { client, events, trans } = call.workbench;
  const { model, version } = await versionOf(call);
  const sure = await confirm({
    title: trans.__('Delete version %1 of %2?', version, model),
    body: trans.__('It cannot be brought back; its run stays.'),
    action: trans.__('Delete'),
    trans
  });
  if (!sure) {
    return null;
  }
  await client.experiments.remove(model, version);
  events.tell({ topic: 'model', ref: formatRef('model', model), data: {} });
  return { message: trans.__('Version %1 of %2 is deleted.', version, model) };
};

/**
 * Open the form that deploys a version. It asks for the version too where none is meant, such as for
 * a deployment.
 */
export const deploy: Perform<IVersion> = async call => {
  const { open } = call.workbench;
  if (kindOf(call.ref) !== 'version') {
    await open(deployRef(null, call.name));
    return;
  }
  const { model, version } = await versionOf(call);
  await open(deployRef([model, String(version)]));
};
