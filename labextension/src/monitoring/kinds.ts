import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { alertActions, monitorActions } from './commands';

export const monitoringKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'monitor',
    icon: 'monitor',
    topic: 'monitor',
    actions: monitorActions(trans),
    label: trans.__('monitor'),
    plural: trans.__('Monitors'),
    panel: 'models',
    code: true,
    page: {
      command: 'mlinfra:monitors-open',
      label: trans.__('Open Monitor'),
      caption: trans.__('Live requests against the training data'),
      title: name => trans.__('monitor %1', name),
      body: () => import('./monitor')
    }
  },
  {
    kind: 'alert',
    icon: 'monitor',
    topic: 'alert',
    actions: alertActions(trans),
    label: trans.__('alert'),
    plural: trans.__('Alerts'),
    join: { sign: '/' },
    panel: 'models',
    code: true,
    page: {
      command: 'mlinfra:alerts-open',
      label: trans.__('Open Alert'),
      caption: trans.__('What fired, why, and what can be done about it'),
      title: name => trans.__('alert %1', name),
      body: () => import('./alert')
    }
  },
  {
    kind: 'rules',
    icon: 'monitor',
    label: trans.__('rules'),
    plural: trans.__('Rules'),
    page: {
      command: 'mlinfra:rules-open',
      label: trans.__('Open Rules'),
      caption: trans.__('The rules of a monitor, and what they would have done'),
      title: name => trans.__('rules of %1', name),
      body: () => import('./rules')
    }
  }
];
