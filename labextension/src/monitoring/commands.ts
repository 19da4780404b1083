import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAlert } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './alertverbs';

const verbs = (): Promise<typeof Verbs> => import('./alertverbs');
const ALERT = { kinds: ['alert'] };

/** What can be done with a monitor and its alerts. */
export const monitorActions = (trans: TranslationBundle): readonly IActionSpec[] => [
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
    id: 'mlinfra:monitors-watch',
    kinds: ['deployment'],
    label: trans.__('Watch Deployment'),
    caption: trans.__('Compare its requests with the training data from now on'),
    icon: 'monitor',
    harmless: true,
    run: () => import('./verbs').then(({ watch }) => watch)
  },
  {
    id: 'mlinfra:monitors-reference',
    kinds: ['monitor'],
    label: trans.__('Build Reference of Monitor'),
    caption: trans.__('Profile the training data of its version, as a job'),
    harmless: true,
    run: () => import('./verbs').then(({ buildReference }) => buildReference)
  },
  {
    id: 'mlinfra:rules-create',
    kinds: ['monitor'],
    label: trans.__('New Rule of Monitor…'),
    caption: trans.__('A rule file in the editor; it is in force once it is saved'),
    args: { rule: { type: 'string', description: trans.__('The rule that it is to replace') } },
    harmless: true,
    run: () => import('./rulesverbs').then(({ createRules }) => createRules)
  },
  {
    id: 'mlinfra:alerts-insert',
    label: trans.__('Insert Code of the Alert'),
    caption: trans.__('Code that loads the bad window of the alert, and its reference'),
    icon: 'code',
    inPage: trans.__(
      'Open the page of an alert, or of a monitor whose alert is firing or pending.'
    ),
    harmless: true
  }
];

/** What can be done about an alert; each stays in its history. */
export const alertActions = (trans: TranslationBundle): readonly IActionSpec<IAlert>[] => [
  {
    ...ALERT,
    id: 'mlinfra:alerts-ack',
    label: trans.__('Acknowledge Alert…'),
    caption: trans.__('Say that you look after it, until it ends'),
    blocked: ({ state }) => (state === 'ok' ? trans.__('It does not fire.') : null),
    harmless: true,
    run: () => verbs().then(({ acknowledge }) => acknowledge)
  },
  {
    ...ALERT,
    id: 'mlinfra:alerts-silence',
    label: trans.__('Silence Alert…'),
    caption: trans.__('Tell nobody of it for a while; it is still evaluated'),
    undo: 'mlinfra:alerts-unsilence',
    run: () => verbs().then(({ silence }) => silence)
  },
  {
    ...ALERT,
    id: 'mlinfra:alerts-unsilence',
    label: trans.__('End Silence of Alert'),
    caption: trans.__('Tell of it again'),
    args: { number: { type: 'number', description: trans.__('Of the silence') } },
    quiet: true,
    harmless: true,
    run: () => verbs().then(({ unsilence }) => unsilence)
  },
  {
    ...ALERT,
    id: 'mlinfra:alerts-notebook',
    label: trans.__('Open Notebook on Alert'),
    caption: trans.__('A new notebook with the bad window and the reference'),
    harmless: true,
    run: () => verbs().then(({ notebook }) => notebook)
  },
  {
    ...ALERT,
    id: 'mlinfra:alerts-retrain',
    label: trans.__('Retrain for Alert…'),
    caption: trans.__('Start the pipeline that made the model'),
    asks: true,
    run: () => verbs().then(({ retrain }) => retrain)
  },
  {
    ...ALERT,
    id: 'mlinfra:alerts-rollback',
    label: trans.__('Roll Back for Alert…'),
    caption: trans.__('Give the traffic back to the versions that had it before'),
    asks: true,
    run: () => verbs().then(({ rollback }) => rollback)
  }
];
