import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';

export const features: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:features',
  description: 'The Features panel and the page of a feature view.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    workbench.addPanel({
      name: 'features',
      title: trans.__('Features'),
      caption: trans.__('Feature views: columns that training and serving read alike'),
      icon: 'features',
      rank: 520,
      placeholder: trans.__('feature, view, tag, owner'),
      body: () => import('./panel')
    });
    workbench.addPage({
      kind: 'view',
      icon: 'features',
      command: 'mlinfra:features-open',
      label: trans.__('Open Feature View'),
      caption: trans.__('Features, freshness and online values of a feature view'),
      title: name => name,
      body: () => import('./view')
    });
  }
};
