import { InputDialog } from '@jupyterlab/apputils';

import type { IRun } from '../api/types';
import * as format from '../format';
import type { Perform } from '../tokens';
import { registered } from './registered';

/** Make the run's model a version, and open it. */
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
  const { ref, message } = await registered(workbench, name, run.id);
  await open(ref);
  return { message };
};
