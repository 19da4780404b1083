import { InputDialog } from '@jupyterlab/apputils';

import { errorText } from '../components/explain';
import { failed, inform } from '../components/confirm';
import { nameOf } from '../refs';
import type { IWorkbench } from '../tokens';
import { isAttachable } from './state';

const OPEN_TERMINAL = 'terminal:open';

/** Let the user choose one of the running jobs; null if none was chosen. */
async function choose({ client, trans }: IWorkbench): Promise<string | null> {
  const { items } = await client.jobs.list({ state: 'running', limit: 100 });
  const jobs = items.filter(isAttachable);
  if (!jobs.length) {
    failed(trans.__('No running job can be attached to.'), trans);
    return null;
  }
  const names = jobs.map(job => `${job.id.slice(0, 8)} ${job.name}`);
  const answer = await InputDialog.getItem({
    title: trans.__('Attach to'),
    items: names,
    okLabel: trans.__('Attach')
  });
  return jobs[names.indexOf(answer.value ?? '')]?.ref ?? null;
}

/** Open a terminal in the environment of a job, or say why that is not possible. */
export async function attach(workbench: IWorkbench, reference: string | null): Promise<void> {
  const { client, commands, trans } = workbench;
  if (!commands.hasCommand(OPEN_TERMINAL)) {
    failed(
      trans.__('This JupyterLab has no terminals. In one of your own: mlinfra jobs attach ID'),
      trans
    );
    return;
  }
  try {
    const job = reference ?? (await choose(workbench));
    if (job !== null) {
      const { name, note } = await client.jobs.attach(nameOf(job));
      if (note) {
        inform(note, trans);
      }
      await commands.execute(OPEN_TERMINAL, { name });
    }
  } catch (error) {
    failed(errorText(error, trans), trans);
  }
}
