import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IEditorServices } from '@jupyterlab/codeeditor';

import { deploymentKinds } from '../deployments/kinds';
import { monitoringKinds } from '../monitoring/kinds';
import { addEditor } from '../pipelines/plugin';
import { IWorkbench } from '../tokens';
import { firingUse } from '../workbench/counts';
import { modelKinds } from './kinds';

export const models: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:models',
  description: 'The Models panel and its pages.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [IEditorServices, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    services: IEditorServices | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { trans } = workbench;
    if (services) {
      addEditor(app, workbench, services, restorer, {
        type: 'mlrules',
        factory: 'Rules',
        label: trans.__('Rules'),
        icon: 'monitor',
        body: () => import('../monitoring/ruleseditor')
      });
    }
    workbench.events.listen(['alert'], ({ ref, data }) => {
      if (data.state === 'firing') {
        void import('../monitoring/notify').then(({ tellFiring }) => tellFiring(workbench, ref));
      }
    });
    [...modelKinds(trans), ...deploymentKinds(trans), ...monitoringKinds(trans)].forEach(
      workbench.addKind
    );
    workbench.addPanel({
      name: 'models',
      title: trans.__('Models'),
      caption: trans.__(
        'Models, the deployments that answer with them, and the monitors that watch'
      ),
      icon: 'models',
      rank: 550,
      placeholder: trans.__('model, version, deployment, alert'),
      body: () => import('./panel'),
      actions: [
        { command: 'mlinfra:deployments-create', icon: 'deployment', label: trans.__('Deploy…') }
      ],
      attention: {
        use: () => firingUse(workbench),
        words: count => trans._n('%1 alert firing', '%1 alerts firing', count)
      }
    });
  }
};
