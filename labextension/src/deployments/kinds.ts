import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { deploymentActions } from './commands';
import { shadowActions } from './shadowing';

export const deploymentKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'deployment',
    icon: 'deployment',
    topic: 'deployment',
    actions: [...deploymentActions(trans), ...shadowActions(trans)],
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
  },
  {
    kind: 'deploying',
    icon: 'deployment',
    label: trans.__('deploy form'),
    plural: trans.__('Deploy forms'),
    join: { sign: '/' },
    page: {
      command: 'mlinfra:deployments-form',
      label: trans.__('Deploy…'),
      caption: trans.__('How a version comes to its traffic, and what carries it'),
      title: () => trans.__('Deploy'),
      body: () => import('./deploying'),
      kept: true
    }
  }
];
