import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDeployment } from '../api/types';
import type { IActionSpec } from '../tokens';
import { canaryOf } from './canary';
import { keyActions } from './keycommands';
import { planActions } from './plancommands';
import { canAnswer, stopped } from './stopped';
import type * as Verbs from './verbs';

/** What a command does, fetched when it is first called. */
const run = (name: keyof typeof Verbs) => () => import('./verbs').then(verbs => verbs[name]);
const DEPLOYMENT = { kinds: ['deployment'] };

/** What can be done with a deployment. */
export const deploymentActions = (
  trans: TranslationBundle
): readonly IActionSpec<IDeployment>[] => [
  ...trafficActions(trans),
  ...planActions(trans),
  ...keyActions(trans)
];

const trafficActions = (trans: TranslationBundle): readonly IActionSpec<IDeployment>[] => [
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-promote',
    label: trans.__('Promote Canary…'),
    caption: trans.__('Give the canary all traffic'),
    icon: 'up',
    blocked: item => (canaryOf(item) ? null : trans.__('There is no canary to promote.')),
    asks: true,
    run: run('promote')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-rollback',
    label: trans.__('Roll Back'),
    caption: trans.__('To the last healthy traffic, at once'),
    icon: 'undo',
    undo: 'mlinfra:deployments-change-traffic',
    run: run('rollback')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-override',
    label: trans.__('Deploy Despite a Failed Test…'),
    caption: trans.__('Give a stopped version its traffic; the reason stays in the history'),
    args: { version: { type: 'string', description: trans.__('Such as v3') } },
    blocked: item => {
      const found = stopped(item);
      return found.some(canAnswer)
        ? null
        : found.length
          ? trans.__('No stopped version has started, so none can answer.')
          : trans.__('No failed test stops a version.');
    },
    asks: true,
    run: run('override')
  },
  {
    ...DEPLOYMENT,
    id: 'mlinfra:deployments-change-traffic',
    label: trans.__('Change Traffic to Given Weights'),
    caption: trans.__('Set the share of the requests for each version'),
    args: {
      weights: { type: 'object', description: trans.__('Percents by version, together 100') },
      reason: { type: 'string', description: trans.__('Why; it stays in the history') }
    },
    quiet: true,
    undo: 'mlinfra:deployments-change-traffic',
    run: run('changeTraffic')
  },
  {
    id: 'mlinfra:deployments-traffic',
    label: trans.__('Change Traffic…'),
    caption: trans.__('The shares of the versions, on the page of a deployment'),
    inPage: trans.__('Open the page of a deployment.'),
    harmless: true
  },
  {
    id: 'mlinfra:deployments-try',
    label: trans.__('Try Deployment'),
    caption: trans.__('Send a request to the deployment whose page is open'),
    icon: 'play',
    inPage: trans.__('Open the page of a deployment.'),
    harmless: true
  }
];
