import type { TranslationBundle } from '@jupyterlab/translation';

import type { IVersion } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './verbs';

const verbs = (): Promise<typeof Verbs> => import('./verbs');
const VERSION = { kinds: ['version'] };

/** What can be done with a version of a model. */
export const versionActions = (trans: TranslationBundle): readonly IActionSpec<IVersion>[] => [
  {
    ...VERSION,
    id: 'mlinfra:models-promote',
    label: trans.__('Promote Version…'),
    caption: trans.__('Move an alias, such as champion, to this version'),
    icon: 'up',
    args: { alias: { type: 'string', description: trans.__('The alias; asked for without it') } },
    undo: 'mlinfra:models-promote',
    run: () => verbs().then(({ promote }) => promote)
  },
  {
    ...VERSION,
    id: 'mlinfra:deployments-create',
    label: trans.__('Deploy Version…'),
    caption: trans.__(
      'Beside the versions that answer now; it gets no traffic until you assign some'
    ),
    icon: 'deployment',
    blocked: ({ fault, unservable }) => fault || unservable || null,
    asks: true,
    run: () => verbs().then(({ deploy }) => deploy)
  }
];
