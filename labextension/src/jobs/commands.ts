import type { TranslationBundle } from '@jupyterlab/translation';

import type { IJob } from '../api/types';
import type { IActionSpec } from '../tokens';
import { endedBadly, isActive, isAttachable, isCloneable, isQueued } from './state';
import type * as Verbs from './verbs';

const verbs = (): Promise<typeof Verbs> => import('./verbs');
const JOB = { kinds: ['job'] };

/** What can be done with a job. */
export const jobActions = (trans: TranslationBundle): readonly IActionSpec<IJob>[] => [
  {
    ...JOB,
    id: 'mlinfra:jobs-cancel',
    label: trans.__('Cancel Job'),
    caption: trans.__('End the job, or take it out of the queue'),
    icon: 'stop',
    blocked: job => (isActive(job) ? null : trans.__('It has ended.')),
    undo: 'mlinfra:jobs-restore',
    asks: true,
    run: () => verbs().then(({ cancel }) => cancel)
  },
  {
    ...JOB,
    id: 'mlinfra:jobs-restore',
    label: trans.__('Undo the Cancel of a Job'),
    caption: trans.__('It waits again in its place'),
    icon: 'undo',
    quiet: true,
    undo: 'mlinfra:jobs-cancel',
    run: () => verbs().then(({ restore }) => restore)
  },
  ...queueActions(trans),
  {
    ...JOB,
    id: 'mlinfra:jobs-requeue',
    label: trans.__('Requeue Job…'),
    caption: trans.__('Start it again under the same id, from its checkpoints'),
    icon: 'refresh',
    blocked: job =>
      job.state === 'running' || endedBadly(job)
        ? null
        : trans.__('It waits already, or it has succeeded.'),
    asks: true,
    run: () => verbs().then(({ requeue }) => requeue)
  },
  {
    ...JOB,
    id: 'mlinfra:jobs-attach',
    label: trans.__('Attach to Job…'),
    caption: trans.__('A terminal with the code, the GPUs and the variables of a job'),
    icon: 'terminal',
    blocked: job => (isAttachable(job) ? null : trans.__('It has not started, or is an array.')),
    asksWhich: true,
    harmless: true,
    run: () => verbs().then(({ attachTo }) => attachTo)
  },
  {
    ...JOB,
    id: 'mlinfra:jobs-clone',
    label: trans.__('Clone Job…'),
    caption: trans.__('Another job like this one, with changes'),
    icon: 'copy',
    blocked: job => (isCloneable(job) ? null : trans.__('A step or an array has no form.')),
    harmless: true,
    run: () => verbs().then(({ clone }) => clone)
  },
  {
    ...JOB,
    id: 'mlinfra:jobs-open-run',
    label: trans.__('Open the Run of a Job'),
    caption: trans.__('The newest run that it recorded'),
    icon: 'experiments',
    // A list does not say which run a job has: what is unknown is asked for when it is done.
    blocked: job =>
      job.array
        ? trans.__('Open one of its elements.')
        : job.attempt
          ? null
          : trans.__('It has not started.'),
    harmless: true,
    run: () => verbs().then(({ openRun }) => openRun)
  },
  {
    id: 'mlinfra:jobs-go-to-log-end',
    label: trans.__('Go to the End of the Log'),
    caption: trans.__('Follow the log of the job whose page is open'),
    icon: 'down',
    inPage: trans.__('Open the page of a job.'),
    harmless: true
  }
];

const queueActions = (trans: TranslationBundle): readonly IActionSpec<IJob>[] => {
  const inQueue = (job: IJob): string | null =>
    isQueued(job) || job.array?.states.queued ? null : trans.__('It does not wait in the queue.');
  const isHeld = (job: IJob | undefined): boolean => Boolean(job?.held_by);
  return [
    {
      ...JOB,
      id: 'mlinfra:jobs-hold',
      label: trans.__('Hold Job'),
      caption: trans.__('Keep it from starting until it is released'),
      icon: 'pause',
      blocked: job => inQueue(job) ?? (isHeld(job) ? trans.__('It is on hold.') : null),
      hidden: isHeld,
      undo: 'mlinfra:jobs-release',
      run: () => verbs().then(({ hold }) => hold)
    },
    {
      ...JOB,
      id: 'mlinfra:jobs-release',
      label: trans.__('Release Job'),
      caption: trans.__('Let it start'),
      icon: 'play',
      blocked: job => inQueue(job) ?? (isHeld(job) ? null : trans.__('It is not on hold.')),
      hidden: job => !isHeld(job),
      undo: 'mlinfra:jobs-hold',
      run: () => verbs().then(({ release }) => release)
    },
    {
      ...JOB,
      id: 'mlinfra:jobs-toggle-hold',
      label: trans.__('Hold or Release Job'),
      caption: trans.__('Keep it from starting, or let it start'),
      blocked: inQueue,
      quiet: true,
      undo: 'mlinfra:jobs-toggle-hold',
      run: () => verbs().then(({ toggleHold }) => toggleHold)
    },
    ...([true, false] as const).map((up): IActionSpec<IJob> => ({
      ...JOB,
      id: up ? 'mlinfra:jobs-raise-priority' : 'mlinfra:jobs-lower-priority',
      label: up ? trans.__('Raise Priority of Job') : trans.__('Lower Priority of Job'),
      caption: trans.__('Move it in the queue; 100 is first, 0 last'),
      icon: up ? 'up' : 'down',
      blocked: inQueue,
      undo: up ? 'mlinfra:jobs-lower-priority' : 'mlinfra:jobs-raise-priority',
      run: () => verbs().then(({ raise, lower }) => (up ? raise : lower))
    }))
  ];
};
