import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../../tokens';
import { onPage } from './page';

export const columnActions = (trans: TranslationBundle): readonly IActionSpec[] => [
  {
    ...onPage(trans),
    id: 'mlinfra:catalog-find-column',
    label: trans.__('Find Column'),
    caption: trans.__('By a part of its name, in the open dataset'),
    icon: 'search'
  },
  {
    ...onPage(trans),
    id: 'mlinfra:catalog-profile',
    label: trans.__('Compute the Exact Profile'),
    caption: trans.__('From all rows of the open dataset instead of a sample'),
    icon: 'refresh'
  }
];
