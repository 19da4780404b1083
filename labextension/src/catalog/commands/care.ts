import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDataset } from '../../api/types';
import type { IActionSpec } from '../../tokens';
import type * as Verbs from '../careverbs';

const verbs = (): Promise<typeof Verbs> => import('../careverbs');

const isQuarantine = (item: IDataset | undefined): boolean => item?.domain === 'quarantine';

/** Where a dataset is kept, and what becomes of one that is not needed any more. */
export const careActions = (trans: TranslationBundle): readonly IActionSpec<IDataset>[] => {
  const dataset = {
    kinds: ['dataset'],
    blocked: ({ domain }: IDataset) =>
      domain ? trans.__('It is a table of %1, which alone writes it.', domain) : null
  };
  return [
    {
      ...dataset,
      id: 'mlinfra:catalog-expire',
      label: trans.__('Expire Snapshots…'),
      caption: trans.__('Let old ones go; first it is shown which, and what is lost'),
      asks: true,
      run: () => import('../expiry').then(({ expire }) => expire)
    },
    {
      ...dataset,
      id: 'mlinfra:catalog-compact',
      label: trans.__('Compact Dataset…'),
      caption: trans.__('Join its small files; the rows and their order stay'),
      asks: true,
      run: () => verbs().then(({ compact }) => compact)
    },
    {
      ...dataset,
      id: 'mlinfra:catalog-move',
      label: trans.__('Move Dataset to Another Tier…'),
      caption: trans.__('With its name and all of its snapshots'),
      args: { tier: { type: 'string', description: trans.__('The tier; asked for without it') } },
      undo: 'mlinfra:catalog-move',
      run: () => verbs().then(({ move }) => move)
    },
    {
      ...dataset,
      id: 'mlinfra:catalog-clean',
      label: trans.__('Delete Unneeded Files of Dataset…'),
      caption: trans.__('Files in its folder that no snapshot has; those of others stay'),
      asks: true,
      run: () => verbs().then(({ clean }) => clean)
    },
    {
      ...dataset,
      id: 'mlinfra:catalog-verify',
      label: trans.__('Verify Files of Dataset'),
      caption: trans.__('Compare each data file with the checksum of what was written'),
      args: { what: { type: 'string', description: 'look, quarantine, put-back' } },
      asks: true,
      run: () => import('../mishaps').then(({ verify }) => verify)
    },
    {
      kinds: ['dataset'],
      id: 'mlinfra:catalog-export-rows',
      label: trans.__('Export Rows…'),
      caption: trans.__('The rows that did not fit, to a file where they can be mended'),
      hidden: item => !isQuarantine(item),
      harmless: true,
      run: () => import('../mishaps').then(({ exportRows }) => exportRows)
    },
    {
      kinds: ['dataset'],
      id: 'mlinfra:catalog-mend',
      label: trans.__('Ingest Mended Rows…'),
      caption: trans.__('From the file to which they were exported'),
      hidden: item => !isQuarantine(item),
      asks: true,
      run: () => import('../mishaps').then(({ mend }) => mend)
    },
    {
      ...dataset,
      id: 'mlinfra:catalog-delete',
      label: trans.__('Delete Dataset'),
      caption: trans.__('Into the trash, from where it can be restored'),
      icon: 'close',
      blocked: () => null,
      undo: 'mlinfra:catalog-restore',
      run: () => verbs().then(({ remove }) => remove)
    },
    ...trashActions(trans)
  ];
};

/** Run by the buttons of the trash and by an undo: no dataset that there is can be restored. */
function trashActions(trans: TranslationBundle): readonly IActionSpec<IDataset>[] {
  const trashed = {
    kinds: ['dataset'],
    args: { trashed: { type: 'number', description: trans.__('Its number in the trash') } },
    hidden: () => true,
    quiet: true
  } as const;
  return [
    {
      ...trashed,
      id: 'mlinfra:catalog-restore',
      label: trans.__('Restore Dataset'),
      caption: trans.__('A deleted one, with all of its snapshots'),
      undo: 'mlinfra:catalog-delete',
      run: () => verbs().then(({ restore }) => restore)
    },
    {
      ...trashed,
      id: 'mlinfra:catalog-purge',
      label: trans.__('Delete for Good…'),
      caption: trans.__('The files of a deleted dataset'),
      asks: true,
      run: () => import('../mishaps').then(({ purge }) => purge)
    }
  ];
}
