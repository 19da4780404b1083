import type { TranslationBundle } from '@jupyterlab/translation';

import { quote } from '../code/python';
import type { IKindSpec } from '../kinds';
import { deploymentActions } from './commands';

export const deploymentKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'deployment',
    icon: 'deployment',
    topic: 'deployment',
    actions: deploymentActions(trans),
    label: trans.__('deployment'),
    plural: trans.__('Deployments'),
    panel: 'models',
    code: ({ name }) => `deployment = ml.deployment(${quote(name)})\ndeployment`,
    page: {
      command: 'mlinfra:deployments-open',
      label: trans.__('Open Deployment'),
      caption: trans.__('Traffic, versions and history of a deployment'),
      title: name => name,
      body: () => import('./deployment')
    }
  }
];
