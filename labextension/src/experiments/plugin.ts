import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';
import { experimentKinds } from './kinds';

export const experiments: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:experiments',
  description: 'The Experiments panel and its pages.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    experimentKinds(trans).forEach(workbench.addKind);
    workbench.addPanel({
      name: 'experiments',
      title: trans.__('Experiments'),
      caption: trans.__('Experiments: training runs with their settings and results'),
      icon: 'experiments',
      rank: 540,
      placeholder: trans.__('experiment, run, tag'),
      body: () => import('./panel')
    });
  }
};
