import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';
import { verbs } from './commands';
import { featureKinds } from './kinds';

export const features: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:features',
  description: 'The Features panel and its pages.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    featureKinds(trans).forEach(workbench.addKind);
    workbench.addPanel({
      name: 'features',
      title: trans.__('Features'),
      caption: trans.__('Feature views: columns that training and serving read alike'),
      icon: 'features',
      rank: 520,
      placeholder: trans.__('feature, view, tag, owner'),
      body: () => import('./panel')
    });
    workbench.addCommand({
      id: 'mlinfra:features-define',
      label: trans.__('Define Feature Views…'),
      caption: trans.__('Write a definition'),
      icon: 'plus',
      category: workbench.category('features'),
      execute: () => verbs().then(({ define }) => define(workbench))
    });
  }
};
