import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../../tokens';
import { onPage } from './page';

export const previewActions = (trans: TranslationBundle): readonly IActionSpec[] => [
  {
    ...onPage(trans),
    id: 'mlinfra:catalog-go-to-row',
    label: trans.__('Go to Row'),
    caption: trans.__('By its number, in the preview of the open dataset'),
    icon: 'search'
  },
  {
    ...onPage(trans),
    id: 'mlinfra:catalog-filter',
    label: trans.__('Sort and Filter'),
    caption: trans.__(
      'The rows of the open dataset, by a column; all of them, also of a large table'
    ),
    icon: 'search'
  }
];
