import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../tokens';

/** What the page of a dataset does. */
export const datasetActions = (trans: TranslationBundle): readonly IActionSpec[] => {
  const onPage = { inPage: trans.__('Open the page of a dataset.'), harmless: true };
  return [
    {
      ...onPage,
      id: 'mlinfra:catalog-go-to-row',
      label: trans.__('Go to Row'),
      caption: trans.__('By its number, in the preview of the open dataset'),
      icon: 'search'
    },
    {
      ...onPage,
      id: 'mlinfra:catalog-find-column',
      label: trans.__('Find Column'),
      caption: trans.__('By a part of its name, in the open dataset'),
      icon: 'search'
    },
    {
      ...onPage,
      id: 'mlinfra:catalog-profile',
      label: trans.__('Compute the Exact Profile'),
      caption: trans.__('From all rows of the open dataset instead of a sample'),
      icon: 'refresh'
    }
  ];
};
