import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRun } from '../api/types';
import type { IActionSpec } from '../tokens';

/** What can be done with a run. */
export const runActions = (trans: TranslationBundle): readonly IActionSpec<IRun>[] => [
  {
    id: 'mlinfra:runs-register',
    kinds: ['run'],
    label: trans.__('Register the Model of a Run…'),
    caption: trans.__('It becomes the next version of a model'),
    icon: 'models',
    asks: true,
    run: () => import('./verbs').then(({ register }) => register)
  },
  {
    id: 'mlinfra:runs-compare-picked',
    label: trans.__('Compare the Picked Runs'),
    caption: trans.__('What differs between two or more runs of an experiment'),
    icon: 'compare',
    inPage: trans.__('Open an experiment and pick two or more runs with Space.'),
    harmless: true
  },
  {
    id: 'mlinfra:runs-show-different',
    label: trans.__('Show Only Different Lines, or All'),
    caption: trans.__('In the comparison of runs that is open'),
    inPage: trans.__('Open a comparison of runs.'),
    harmless: true
  }
];
