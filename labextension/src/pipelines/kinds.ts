import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { nameOf } from '../refs';
import { pipelineActions, scheduleActions } from './commands';

export const pipelineKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'pipeline',
    icon: 'pipeline',
    topic: 'step',
    actions: pipelineActions(trans),
    label: trans.__('pipeline'),
    plural: trans.__('Pipelines'),
    panel: 'jobs',
    code: true,
    page: {
      command: 'mlinfra:pipelines-open',
      label: trans.__('Open Pipeline'),
      caption: trans.__('Graph and runs of a pipeline'),
      title: name => name,
      body: () => import('./pipeline')
    }
  },
  {
    kind: 'step',
    topic: 'step',
    icon: 'notebook',
    label: trans.__('step'),
    plural: trans.__('Steps'),
    join: { sign: '/' },
    owner: 'pipeline',
    panel: 'jobs',
    code: true
  },
  ...scheduleKinds(trans)
];

const scheduleKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'schedule',
    icon: 'clock',
    topic: 'schedule',
    actions: scheduleActions(trans),
    remove: 'mlinfra:schedules-delete',
    label: trans.__('schedule'),
    plural: trans.__('Schedules'),
    panel: 'jobs',
    code: true,
    page: {
      command: 'mlinfra:schedules-open',
      label: trans.__('Open Schedule'),
      caption: trans.__('Next times of a schedule, and the result of each past one'),
      title: name => name,
      body: () => import('./schedule')
    }
  },
  {
    kind: 'scheduling',
    icon: 'clock',
    label: trans.__('schedule form'),
    plural: trans.__('Schedule forms'),
    page: {
      command: 'mlinfra:schedules-form',
      label: trans.__('Schedule…'),
      caption: trans.__('When to run a pipeline or a notebook'),
      title: name =>
        name === 'new' ? trans.__('New Schedule') : trans.__('Schedule %1', nameOf(name)),
      body: () => import('./scheduling'),
      kept: true
    }
  }
];
