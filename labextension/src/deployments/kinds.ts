import type { TranslationBundle } from '@jupyterlab/translation';

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
    code: true,
    page: {
      command: 'mlinfra:deployments-open',
      label: trans.__('Open Deployment'),
      caption: trans.__('Traffic, versions and history of a deployment'),
      title: name => name,
      body: () => import('./deployment')
    }
  }
];
