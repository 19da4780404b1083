import type { TranslationBundle } from '@jupyterlab/translation';

import { quote } from '../code/python';
import type { IKindSpec } from '../kinds';
import { viewActions } from './commands';

const training = (names: readonly string[]): string =>
  [
    `features = [${names.map(quote).join(', ')}]`,
    'entities = ml.features(features).examples()  # example rows: put your own here',
    'train = ml.features(features).training_set(entities)',
    'train'
  ].join('\n');

export const featureKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'view',
    icon: 'features',
    topic: 'view',
    actions: viewActions(trans),
    label: trans.__('feature view'),
    plural: trans.__('Feature views'),
    panel: 'features',
    code: ({ name }) => training([`${name}:*`]),
    page: {
      command: 'mlinfra:features-open',
      label: trans.__('Open Feature View'),
      caption: trans.__('Features, freshness and online values of a feature view'),
      title: name => name,
      body: () => import('./view')
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
    code: ({ name }) => training([name]),
    codeOfAll: refs => training(refs.map(({ name }) => name))
  }
];
