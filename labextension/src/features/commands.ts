import type { TranslationBundle } from '@jupyterlab/translation';

import type { IView, IViewDetail } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './verbs';

export const verbs = (): Promise<typeof Verbs> =>
  import(/* webpackChunkName: "features" */ './verbs');

const viewOf = (item: IView | IViewDetail): IView => ('view' in item ? item.view : item);

/** What can be done with a feature view. */
export const viewActions = (
  trans: TranslationBundle
): readonly IActionSpec<IView | IViewDetail>[] => [
  {
    id: 'mlinfra:features-materialize',
    kinds: ['view'],
    label: trans.__('Materialize Feature View'),
    caption: trans.__('Write the newest values to the online store'),
    blocked: item =>
      viewOf(item).online ? null : trans.__('It is defined without an online store.'),
    harmless: true,
    run: () => verbs().then(({ materialize }) => materialize)
  },
  {
    id: 'mlinfra:features-check',
    kinds: ['view'],
    label: trans.__('Compare Online Values with the Source'),
    caption: trans.__('Whether requests get what training reads'),
    icon: 'compare',
    blocked: item => (viewOf(item).online_at ? null : trans.__('Nothing of it is online.')),
    harmless: true,
    run: () => verbs().then(({ check }) => check)
  },
  {
    id: 'mlinfra:features-tag',
    kinds: ['view'],
    label: trans.__('Tag Feature View…'),
    caption: trans.__('Write its tags into its definition'),
    undo: 'mlinfra:features-tag',
    run: () => verbs().then(({ tag }) => tag)
  },
  {
    id: 'mlinfra:features-deprecate',
    kinds: ['view'],
    label: trans.__('Deprecate Feature View or Undo It…'),
    caption: trans.__('Write that into its definition'),
    undo: 'mlinfra:features-tag',
    run: () => verbs().then(({ deprecate }) => deprecate)
  },
  {
    id: 'mlinfra:features-asof',
    label: trans.__('Explain a Row as of a Time'),
    caption: trans.__('Which row a training set takes'),
    icon: 'clock',
    inPage: trans.__('Open the page of a feature view.'),
    harmless: true
  },
  {
    id: 'mlinfra:features-online',
    label: trans.__('Look Up a Key Online'),
    caption: trans.__('What a request would get now'),
    icon: 'search',
    inPage: trans.__('Open the page of a feature view.'),
    harmless: true
  }
];
