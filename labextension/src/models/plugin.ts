import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';

export const models: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:models',
  description: 'The Models panel and the pages of models, deployments and monitors.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    workbench.addPanel({
      name: 'models',
      title: trans.__('Models'),
      caption: trans.__(
        'Models, the deployments that answer with them, and the monitors that watch'
      ),
      icon: 'models',
      rank: 550,
      placeholder: trans.__('model, version, deployment, alert'),
      body: () => import('./panel')
    });
    workbench.addPage({
      kind: 'model',
      icon: 'models',
      command: 'mlinfra:models-open',
      label: trans.__('Open Model'),
      caption: trans.__('Versions and aliases of a model'),
      title: name => trans.__('model %1', name),
      body: () => import('./model')
    });
    workbench.addPage({
      kind: 'deployment',
      icon: 'deployment',
      command: 'mlinfra:deployments-open',
      label: trans.__('Open Deployment'),
      caption: trans.__('Traffic, versions and history of a deployment'),
      title: name => name,
      body: () => import('../deployments/deployment')
    });
    workbench.addPage({
      kind: 'monitor',
      icon: 'monitor',
      command: 'mlinfra:monitors-open',
      label: trans.__('Open Monitor'),
      caption: trans.__('Live requests against the training data'),
      title: name => trans.__('monitor %1', name),
      body: () => import('../monitoring/monitor')
    });
  }
};
