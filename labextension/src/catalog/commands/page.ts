import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../../tokens';

/** What all commands of the page of a dataset have in common: they ask the page that is open. */
export const onPage = (trans: TranslationBundle): Pick<IActionSpec, 'inPage' | 'harmless'> => ({
  inPage: trans.__('Open the page of a dataset.'),
  harmless: true
});
