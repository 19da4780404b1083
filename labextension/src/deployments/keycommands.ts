import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDeployment } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './keyverbs';

/** What a command does, fetched when it is first called. */
const run = (name: keyof typeof Verbs) => () => import('./keyverbs').then(verbs => verbs[name]);
const DEPLOYMENT = { kinds: ['deployment'] };

/** What can be done with the keys that callers of a deployment send. */
export const keyActions = (trans: TranslationBundle): readonly IActionSpec<IDeployment>[] => [
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-create-key',
    label: trans.__('Create Key…'),
    caption: trans.__('For callers; it is shown once'),
    args: {
      label: { type: 'string', description: trans.__('Who will use it') },
      days: { type: 'number', description: trans.__('Until it expires; never without it') }
    },
    harmless: true,
    run: run('createKey')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-rotate-key',
    label: trans.__('Rotate Key…'),
    caption: trans.__('Make another one in its place'),
    args: { key: { type: 'string', description: trans.__('Its id') } },
    asks: true,
    run: run('rotateKey')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-revoke-key',
    label: trans.__('Revoke Key…'),
    caption: trans.__('Refuse requests with it'),
    args: { key: { type: 'string', description: trans.__('Its id') } },
    asks: true,
    run: run('revokeKey')
  }
];
