import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDataset } from '../../api/types';
import type { IActionSpec } from '../../tokens';
import { isInPlace } from '../inplace';

export const labelActions = (trans: TranslationBundle): readonly IActionSpec<IDataset>[] => [
  {
    id: 'mlinfra:catalog-label',
    kinds: ['dataset', 'column'],
    label: trans.__('Edit Tags and Description…'),
    caption: trans.__('What people say of a dataset or a column: owner, tags, description'),
    icon: 'column',
    args: {
      labels: {
        type: 'object',
        description: trans.__('Owner, description and all tags; asked for without it')
      }
    },
    blocked: dataset =>
      dataset.domain && !isInPlace(dataset)
        ? trans.__('It is a table of %1, which alone writes it.', dataset.domain)
        : null,
    undo: 'mlinfra:catalog-label',
    run: () => import('../labels').then(({ label }) => label)
  }
];
