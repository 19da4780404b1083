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
    id: 'mlinfra:models-delete',
    label: trans.__('Delete Version…'),
    caption: trans.__('For good; not while an alias or a deployment has it'),
    icon: 'close',
    asks: true,
    run: () => verbs().then(({ remove }) => remove)
  },
  {
    kinds: ['version', 'deployment'],
    id: 'mlinfra:deployments-create',
    label: trans.__('Deploy Version…'),
    caption: trans.__('At once, as a canary or shadow, or step by step'),
    icon: 'deployment',
    blocked: ({ fault, unservable }) => fault || unservable || null,
    asksWhich: true,
    harmless: true,
    run: () => verbs().then(({ deploy }) => deploy)
  }
];
