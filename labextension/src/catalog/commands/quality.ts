import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDataset } from '../../api/types';
import type { IActionSpec } from '../../tokens';

export const qualityActions = (trans: TranslationBundle): readonly IActionSpec<IDataset>[] => [
  {
    id: 'mlinfra:catalog-quality',
    kinds: ['dataset'],
    label: trans.__('Run All Rules'),
    caption: trans.__('Whether all rows of the dataset are as its rules demand'),
    icon: 'refresh',
    harmless: true,
    run: () => import('../rules').then(({ askAll }) => askAll)
  },
  {
    id: 'mlinfra:catalog-rule',
    kinds: ['dataset'],
    label: trans.__('Add Rule…'),
    caption: trans.__('What the rows of a dataset must be like: asked at each ingest'),
    icon: 'plus',
    args: {
      change: { type: 'object', description: trans.__('The rule; asked for without it') }
    },
    undo: 'mlinfra:catalog-remove-rule',
    run: () => import('../rules').then(({ addRule }) => addRule)
  },
  {
    id: 'mlinfra:catalog-export-contract',
    kinds: ['dataset'],
    label: trans.__('Export Contract…'),
    caption: trans.__('Its columns and rules, as a data contract (ODCS)'),
    harmless: true,
    run: () => import('../mishaps').then(({ exportContract }) => exportContract)
  },
  {
    id: 'mlinfra:catalog-import-contract',
    kinds: ['dataset'],
    label: trans.__('Import Contract…'),
    caption: trans.__('The rules of a data contract (ODCS)'),
    asks: true,
    run: () => import('../mishaps').then(({ importContract }) => importContract)
  },
  {
    id: 'mlinfra:catalog-remove-rule',
    kinds: ['dataset'],
    label: trans.__('Remove Rule'),
    caption: trans.__('Its earlier results stay'),
    icon: 'close',
    args: { rule: { type: 'string', description: trans.__('Its name') } },
    hidden: () => true,
    quiet: true,
    undo: 'mlinfra:catalog-rule',
    run: () => import('../rules').then(({ removeRule }) => removeRule)
  }
];
