import { IRouter, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';

import { parseRef } from '../refs';
import { IWorkbench } from '../tokens';

const FIRST = 'mlinfra:workbench-first-steps';
const OFFERED = [
  FIRST,
  ...['catalog', 'features', 'jobs', 'experiments', 'models'].map(panel => `mlinfra:${panel}-show`)
];

export const launcher: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:launcher',
  description: 'The category “ML Infrastructure” of the launcher.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILauncher],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, offers: ILauncher | null) => {
    workbench.addCommand({
      id: FIRST,
      label: workbench.trans.__('First Steps'),
      caption: workbench.trans.__(
        'A notebook that runs as it is: a dataset, a run and a job on made-up data'
      ),
      icon: 'experiments',
      category: workbench.trans.__('ML: Workbench'),
      execute: () =>
        import('./first').then(({ openFirstSteps }) => openFirstSteps(workbench, app.commands))
    });
    void app.started.then(() =>
      OFFERED.filter(command => app.commands.hasCommand(command)).forEach((command, rank) =>
        offers?.add({
          command,
          args: { short: true },
          category: workbench.trans.__('ML Infrastructure'),
          rank
        })
      )
    );
  }
};

const KEY = 'mlinfra';

export const links: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:links',
  description: 'Opens the page of a reference that stands in the address: …/lab?mlinfra=run:9c1e',
  autoStart: true,
  requires: [IWorkbench, IRouter],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, router: IRouter) => {
    app.commands.addCommand('mlinfra:workbench-follow', {
      describedBy: {
        args: {
          type: 'object',
          properties: {
            search: { type: 'string', description: workbench.trans.__('The query of the address') }
          }
        }
      },
      execute: ({ search }) => {
        const reference = new URLSearchParams(typeof search === 'string' ? search : '').get(KEY);
        if (reference && parseRef(reference)) {
          void app.restored.then(() => workbench.open(reference));
        }
      }
    });
    router.register({
      command: 'mlinfra:workbench-follow',
      pattern: new RegExp(`[?&]${KEY}=`),
      rank: 50
    });
  }
};
