import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { versionActions } from './commands';

export const modelKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'model',
    icon: 'models',
    topic: 'model',
    label: trans.__('model'),
    plural: trans.__('Models'),
    panel: 'models',
    code: true,
    page: {
      command: 'mlinfra:models-open',
      label: trans.__('Open Model'),
      caption: trans.__('Versions and aliases of a model'),
      title: name => trans.__('model %1', name),
      body: () => import('./model')
    }
  },
  {
    kind: 'version',
    icon: 'models',
    topic: 'model',
    actions: versionActions(trans),
    label: trans.__('version'),
    plural: trans.__('Versions'),
    join: { sign: '/' },
    owner: 'model',
    remove: 'mlinfra:models-delete',
    panel: 'models',
    code: true
  }
];
