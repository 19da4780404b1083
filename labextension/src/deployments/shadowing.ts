import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDeployment } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './shadowverbs';

/** What a command does, fetched when it is first called. */
const run = (name: keyof typeof Verbs) => () => import('./shadowverbs').then(verbs => verbs[name]);

/** Versions that are warm and answer nobody. */
export const onStandby = ({ versions }: IDeployment): IDeployment['versions'] =>
  versions.filter(({ state, traffic, shadow }) => state === 'ready' && !traffic && !shadow);

export const shadowsOf = ({ versions }: IDeployment): IDeployment['versions'] =>
  versions.filter(({ shadow }) => shadow);

/** Copies of requests for a version of a deployment, and their end. */
export const shadowActions = (trans: TranslationBundle): readonly IActionSpec<IDeployment>[] => {
  const version = { type: 'string', description: trans.__('Such as v3') };
  return [
    {
      kinds: ['deployment'],
      id: 'mlinfra:deployments-start-shadow',
      label: trans.__('Start Shadow…'),
      caption: trans.__('Give a version copies of the requests; nobody gets its answers'),
      args: {
        version,
        percent: { type: 'number', description: trans.__('Of the requests') }
      },
      blocked: item => (onStandby(item).length ? null : trans.__('No version is on standby.')),
      undo: 'mlinfra:deployments-end-shadow',
      run: run('startShadow')
    },
    {
      kinds: ['deployment'],
      id: 'mlinfra:deployments-end-shadow',
      label: trans.__('End Shadow'),
      caption: trans.__('Give a version no more copies of the requests'),
      args: { version },
      blocked: item => (shadowsOf(item).length ? null : trans.__('There is no shadow.')),
      undo: 'mlinfra:deployments-start-shadow',
      run: run('endShadow')
    }
  ];
};
