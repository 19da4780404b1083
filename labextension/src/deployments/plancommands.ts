import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../tokens';
import type { IPlanned } from './canary';
import type * as Verbs from './planverbs';

/** Hours that a shadow is compared over, and that a replay reaches back unless one says otherwise. */
export const HOURS = 24;

/** What a command does, fetched when it is first called. */
const run = (name: keyof typeof Verbs) => () => import('./planverbs').then(verbs => verbs[name]);
const DEPLOYMENT = { kinds: ['deployment'] };

/** Whether the last plan is in a state, as far as is known. */
const isPlan = ({ plan }: IPlanned, state: string): boolean =>
  plan === undefined || plan?.state === state;

/** What can be done with the plan of a deployment, and with its logged requests. */
export const planActions = (trans: TranslationBundle): readonly IActionSpec<IPlanned>[] => [
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-pause-plan',
    label: trans.__('Pause Plan'),
    caption: trans.__('Hold the plan; a breach rolls it back nevertheless'),
    blocked: item => (isPlan(item, 'running') ? null : trans.__('No plan is running.')),
    harmless: true,
    run: run('pausePlan')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-resume-plan',
    label: trans.__('Resume Plan'),
    caption: trans.__('The present step begins again'),
    blocked: item => (isPlan(item, 'paused') ? null : trans.__('No plan is paused.')),
    undo: 'mlinfra:deployments-pause-plan',
    run: run('resumePlan')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-replay',
    label: trans.__('Replay Requests…'),
    caption: trans.__('Send logged requests to a version, as a job'),
    args: {
      version: { type: 'string', description: trans.__('Such as v3') },
      hours: { type: 'number', description: trans.__('How far back') }
    },
    harmless: true,
    run: run('replay')
  }
];
