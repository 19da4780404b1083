import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { viewActions } from './commands';

export const featureKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'view',
    icon: 'features',
    topic: 'view',
    actions: viewActions(trans),
    label: trans.__('feature view'),
    plural: trans.__('Feature views'),
    panel: 'features',
    code: true,
    page: {
      command: 'mlinfra:features-open',
      label: trans.__('Open Feature View'),
      caption: trans.__('Features, freshness and online values of a feature view'),
      title: name => name,
      body: () => import('./page/page')
    }
  },
  {
    kind: 'feature',
    icon: 'features',
    label: trans.__('feature'),
    plural: trans.__('Features'),
    join: { sign: ':' },
    owner: 'view',
    panel: 'features',
    code: true
  }
];
