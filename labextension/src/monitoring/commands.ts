import type { TranslationBundle } from '@jupyterlab/translation';

import type { IMonitor } from '../api/types';
import type { IActionSpec } from '../tokens';

/** What can be done with a monitor and its alerts. */
export const monitorActions = (trans: TranslationBundle): readonly IActionSpec<IMonitor>[] => [
  {
    id: 'mlinfra:monitors-evaluate',
    kinds: ['monitor'],
    label: trans.__('Evaluate Monitor Now'),
    caption: trans.__('Judge the rules now'),
    icon: 'refresh',
    harmless: true,
    run: () => import('./verbs').then(({ evaluate }) => evaluate)
  },
  {
    id: 'mlinfra:alerts-insert',
    label: trans.__('Insert Code of the Alert'),
    caption: trans.__('Code that loads the window of the alert on the page of its monitor'),
    icon: 'code',
    inPage: trans.__('Open the page of a monitor whose alert is firing or pending.'),
    harmless: true
  }
];
