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
      body: () => import(/* webpackChunkName: "features" */ './page/page')
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
  },
  {
    kind: 'service',
    icon: 'features',
    topic: 'view',
    label: trans.__('feature service'),
    plural: trans.__('Services'),
    panel: 'features',
    code: true,
    page: {
      command: 'mlinfra:features-service',
      label: trans.__('Open Feature Service'),
      caption: trans.__('The features of a model'),
      title: name => name,
      body: () => import(/* webpackChunkName: "features" */ './page/service')
    }
  },
  {
    kind: 'saved',
    icon: 'features',
    topic: 'view',
    label: trans.__('saved training set'),
    plural: trans.__('Saved training sets'),
    code: true,
    page: {
      command: 'mlinfra:features-saved',
      label: trans.__('Open Saved Training Set'),
      caption: trans.__('What Feast saved, and where it is'),
      title: name => name,
      body: () => import(/* webpackChunkName: "features" */ './page/saved')
    }
  },
  {
    kind: 'entity',
    icon: 'features',
    topic: 'view',
    label: trans.__('entity'),
    plural: trans.__('Entities'),
    code: true,
    page: {
      command: 'mlinfra:features-entity',
      label: trans.__('Open Entity'),
      caption: trans.__('The key that views share, and which they are'),
      title: name => name,
      body: () => import(/* webpackChunkName: "features" */ './page/entity')
    }
  }
];
