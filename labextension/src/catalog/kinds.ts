import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { datasetActions } from './commands';

export const catalogKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'dataset',
    icon: 'catalog',
    topic: 'dataset',
    actions: datasetActions(trans),
    label: trans.__('dataset'),
    plural: trans.__('Datasets'),
    panel: 'catalog',
    code: true,
    remove: 'mlinfra:catalog-delete',
    page: {
      command: 'mlinfra:catalog-open',
      label: trans.__('Open Dataset'),
      caption: trans.__('Rows, columns, snapshots and lineage of a dataset'),
      title: name => name,
      body: () => import('./page/page')
    }
  },
  {
    kind: 'column',
    icon: 'column',
    label: trans.__('column'),
    plural: trans.__('Columns'),
    join: { sign: '.', last: true },
    owner: 'dataset',
    panel: 'catalog',
    code: true
  }
];
