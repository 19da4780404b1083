import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { jobActions } from './commands';

export const jobKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'job',
    icon: 'jobs',
    topic: 'job',
    actions: jobActions(trans),
    remove: 'mlinfra:jobs-cancel',
    label: trans.__('job'),
    plural: trans.__('Jobs'),
    panel: 'jobs',
    describe: ({ jobs }, id, signal) => jobs.show(id, signal),
    code: true,
    page: {
      command: 'mlinfra:jobs-open',
      label: trans.__('Open Job'),
      caption: trans.__('State, log and parameters of a job'),
      title: name => trans.__('job %1', name.slice(0, 8)),
      body: () => import('./job')
    }
  },
  {
    kind: 'queue',
    icon: 'queue',
    label: trans.__('queue'),
    plural: trans.__('Queues'),
    page: {
      command: 'mlinfra:jobs-open-queue',
      label: trans.__('Open Queue'),
      caption: trans.__('What runs and what waits, in the order in which it may start'),
      title: () => trans.__('Queue'),
      body: () => import('./queue'),
      kept: true,
      keys: 'job'
    }
  },
  {
    kind: 'submit',
    icon: 'play',
    label: trans.__('job form'),
    plural: trans.__('Job forms'),
    page: {
      command: 'mlinfra:jobs-submit',
      label: trans.__('Submit Job…'),
      caption: trans.__('Run a notebook away from the kernel'),
      title: name => trans.__('Submit %1', name.split('/').pop() ?? name),
      body: () => import('./submit'),
      kept: true
    }
  }
];
