import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';
import { featureKinds } from './kinds';

export const features: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:features',
  description: 'The Features panel and the page of a feature view.',
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
  }
};
