import type { TranslationBundle } from '@jupyterlab/translation';

import type { IView, IViewDetail } from '../api/types';
import type { IActionSpec } from '../tokens';

/** What can be done with a feature view. */
export const viewActions = (
  trans: TranslationBundle
): readonly IActionSpec<IView | IViewDetail>[] => [
  {
    id: 'mlinfra:features-materialize',
    kinds: ['view'],
    label: trans.__('Materialize Feature View'),
    caption: trans.__('Write the newest values to the online store'),
    icon: 'up',
    blocked: item =>
      ('view' in item ? item.view : item).online
        ? null
        : trans.__('It is defined without an online store.'),
    harmless: true,
    run: () => import('./verbs').then(({ materialize }) => materialize)
  },
  {
    id: 'mlinfra:features-check',
    kinds: ['view'],
    label: trans.__('Compare Online Values with the Source'),
    caption: trans.__('Whether requests get what training reads, on a sample of keys'),
    icon: 'compare',
    blocked: item =>
      ('view' in item ? item.view : item).online_at ? null : trans.__('Nothing of it is online.'),
    harmless: true,
    run: () => import('./verbs').then(({ check }) => check)
  },
  {
    id: 'mlinfra:features-asof',
    label: trans.__('Explain a Row as of a Time'),
    caption: trans.__('Which row a training set takes, on the page of a feature view'),
    icon: 'clock',
    inPage: trans.__('Open the page of a feature view.'),
    harmless: true
  },
  {
    id: 'mlinfra:features-online',
    label: trans.__('Look Up a Key Online'),
    caption: trans.__('What a request would get now, on the page of a feature view'),
    icon: 'search',
    inPage: trans.__('Open the page of a feature view.'),
    harmless: true
  }
];
