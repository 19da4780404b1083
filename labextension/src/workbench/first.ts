import type { CommandRegistry } from '@lumino/commands';

import { ApiError } from '../api/errors';
import { errorText } from '../components/explain';
import { confirm, failed, inform } from '../components/confirm';
import type { IWorkbench } from '../tokens';

/**
 * Open the notebook of the first steps; a folder that is no project yet is made one when the user
 * says so.
 */
export async function openFirstSteps(
  workbench: IWorkbench,
  commands: CommandRegistry
): Promise<void> {
  const { client, trans } = workbench;
  try {
    if (!(await hasProject(workbench))) {
      return;
    }
    const { path } = await client.firstSteps();
    if (path === null) {
      inform(
        trans.__('The project lies outside the folder of this server: first-steps.ipynb is there.'),
        trans
      );
      return;
    }
    await commands.execute('docmanager:open', { path });
  } catch (error) {
    failed(errorText(error, trans), trans);
  }
}

async function hasProject({ client, answers, trans }: IWorkbench): Promise<boolean> {
  try {
    await client.project();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') {
      throw error;
    }
  }
  const sure = await confirm({
    title: trans.__('Create a project here?'),
    body: trans.__(
      'The folder of this server gets a file mlinfra.toml and the notebook first-steps.ipynb.'
    ),
    action: trans.__('Create'),
    trans
  });
  if (sure) {
    answers.set('project', await client.init()); // the panels ask no more for a project
  }
  return sure;
}
