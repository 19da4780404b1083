import type { TranslationBundle } from '@jupyterlab/translation';

import type { ISnapshot } from '../../api/types';
import type { IActionSpec } from '../../tokens';
import { onPage } from './page';

/** Lists of datasets have whole ones; that of a dataset's snapshots has these. */
const isWhole = (item: ISnapshot | undefined): boolean => item?.operation === undefined;

export const timeActions = (trans: TranslationBundle): readonly IActionSpec<ISnapshot>[] => [
  {
    ...onPage(trans),
    id: 'mlinfra:catalog-compare',
    label: trans.__('Compare Snapshots'),
    caption: trans.__('The two that are picked, or the newest two of the open dataset'),
    icon: 'compare'
  },
  {
    id: 'mlinfra:catalog-restore-snapshot',
    kinds: ['dataset'],
    label: trans.__('Restore This Snapshot'),
    caption: trans.__('Give the dataset the rows and columns that it had, as a new snapshot'),
    icon: 'refresh',
    hidden: isWhole,
    undo: 'mlinfra:catalog-restore-snapshot',
    run: () => import('../earlier').then(({ restore }) => restore)
  },
  {
    id: 'mlinfra:catalog-tag-snapshot',
    kinds: ['dataset'],
    label: trans.__('Tag This Snapshot…'),
    caption: trans.__('A name that stands for it; with a tag it does not expire'),
    icon: 'pin',
    args: {
      tags: { type: 'array', items: { type: 'string' }, description: trans.__('Names to add') }
    },
    hidden: isWhole,
    undo: 'mlinfra:catalog-untag-snapshot',
    run: () => import('../earlier').then(({ tag }) => tag)
  },
  {
    id: 'mlinfra:catalog-untag-snapshot',
    kinds: ['dataset'],
    label: trans.__('Remove the Tags of This Snapshot'),
    caption: trans.__('It may expire afterwards'),
    args: {
      tags: { type: 'array', items: { type: 'string' }, description: trans.__('Names to remove') }
    },
    hidden: item => isWhole(item) || !Object.values(item?.refs ?? {}).includes('tag'),
    undo: 'mlinfra:catalog-tag-snapshot',
    run: () => import('../earlier').then(({ untag }) => untag)
  }
];
