import { InputDialog } from '@jupyterlab/apputils';

import type { IRun } from '../api/types';
import * as format from '../format';
import type { Perform } from '../tokens';

/** Make the run's model a version; if it cannot be deployed, the message says so at once. */
export const register: Perform<IRun> = async ({ workbench, name: id, item }) => {
  const { client, trans, open } = workbench;
  const run = item ?? (await client.experiments.run(id));
  const answer = await InputDialog.getText({
    title: trans.__('Register the model of %1', run.name || format.shortId(run.id)),
    label: trans.__('It becomes the next version of the model of this name.'),
    text: run.experiment,
    okLabel: trans.__('Register')
  });
  const name = answer.button.accept ? answer.value?.trim() : '';
  if (!name) {
    return null;
  }
  const { ref, version, unservable } = await client.experiments.register(name, run.id);
  const made = trans.__('%1 has version %2.', name, version);
  await open(ref);
  return {
    message: unservable ? `${made} ${trans.__('It cannot be deployed: %1', unservable)}` : made
  };
};
