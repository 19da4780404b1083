import type { TranslationBundle } from '@jupyterlab/translation';

import type { IPipeline, IPipelineDetail, ISchedule } from '../api/types';
import type { IActionSpec } from '../tokens';
import type * as Verbs from './verbs';

/** A pipeline as a list or as its page knows it. */
export type SeenPipeline = IPipeline | IPipelineDetail;

const verbs = (): Promise<typeof Verbs> => import('./verbs');
const PIPELINE = { kinds: ['pipeline'] };
const SCHEDULE = { kinds: ['schedule'] };

const isRunning = (item: SeenPipeline): boolean =>
  'runs' in item ? item.runs[0]?.state === 'running' : item.last.includes('running');

/** What can be done with a pipeline. */
export const pipelineActions = (trans: TranslationBundle): readonly IActionSpec<SeenPipeline>[] => {
  const string = (description: string): { type: 'string'; description: string } => ({
    type: 'string',
    description
  });
  const run = { run: string(trans.__('The id of a run; the newest one without it')) };
  return [
    {
      ...PIPELINE,
      id: 'mlinfra:pipelines-run',
      label: trans.__('Run Pipeline'),
      caption: trans.__('Run its steps in order; what has not changed comes from the cache'),
      icon: 'play',
      args: {
        parameters: { type: 'object', description: trans.__('Values of its parameters') },
        force: { type: 'boolean', description: trans.__('Whether to take nothing from the cache') },
        from_step: string(trans.__('The step to begin from'))
      },
      blocked: item => (isRunning(item) ? trans.__('It runs already.') : null),
      undo: 'mlinfra:pipelines-cancel-run',
      run: () => verbs().then(({ start }) => start)
    },
    {
      ...PIPELINE,
      id: 'mlinfra:pipelines-cancel-run',
      label: trans.__('Cancel the Run of a Pipeline'),
      caption: trans.__('End the run; what its steps have made so far stays'),
      icon: 'stop',
      blocked: item => (isRunning(item) ? null : trans.__('It does not run.')),
      asks: true,
      undo: 'mlinfra:pipelines-continue',
      run: () => verbs().then(({ cancel }) => cancel)
    },
    {
      ...PIPELINE,
      id: 'mlinfra:pipelines-continue',
      label: trans.__('Undo the Cancel of a Run'),
      caption: trans.__('Continue with its unfinished steps'),
      args: run,
      quiet: true,
      undo: 'mlinfra:pipelines-cancel-run',
      run: () => verbs().then(({ goOn }) => goOn)
    },
    {
      ...PIPELINE,
      id: 'mlinfra:pipelines-repair',
      label: trans.__('Repair the Run of a Pipeline'),
      caption: trans.__(
        'Run the failed steps and what depends on them; steps that succeeded are not run again'
      ),
      icon: 'refresh',
      args: run,
      blocked: item => (isRunning(item) ? trans.__('It runs already.') : null),
      undo: 'mlinfra:pipelines-cancel-run',
      run: () => verbs().then(({ repair }) => repair)
    },
    {
      ...PIPELINE,
      id: 'mlinfra:pipelines-schedule',
      label: trans.__('Schedule Pipeline…'),
      caption: trans.__('Run it on a schedule'),
      icon: 'clock',
      harmless: true,
      run: () => verbs().then(({ schedule }) => schedule)
    },
    ...pageVerbs(trans)
  ];
};

const pageVerbs = (trans: TranslationBundle): readonly IActionSpec[] => {
  const inEditor = trans.__('Open a pipeline file in its editor.');
  const onPage = trans.__('Open the page of a pipeline and choose a step.');
  return [
    {
      id: 'mlinfra:pipelines-run-here',
      label: trans.__('Run from Here'),
      caption: trans.__('Run the chosen step and what follows, or the whole pipeline'),
      icon: 'play',
      inPage: onPage,
      undo: 'mlinfra:pipelines-cancel-run'
    },
    {
      id: 'mlinfra:pipelines-explain',
      label: trans.__('Explain Step'),
      caption: trans.__('What has changed since its last result, and whether it would run again'),
      inPage: onPage,
      harmless: true
    },
    {
      id: 'mlinfra:pipelines-add-step',
      label: trans.__('New Step…'),
      caption: trans.__('Add a step to the open pipeline file'),
      icon: 'plus',
      inPage: inEditor,
      harmless: true
    },
    {
      id: 'mlinfra:pipelines-connect-step',
      label: trans.__('Connect Step…'),
      caption: trans.__('Let the chosen step follow another one'),
      inPage: inEditor,
      harmless: true
    }
  ];
};

/** What can be done with a schedule. */
export const scheduleActions = (trans: TranslationBundle): readonly IActionSpec<ISchedule>[] => {
  const paused = (item: ISchedule | undefined): boolean => item?.state === 'paused';
  return [
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-run-now',
      label: trans.__('Run Schedule Now'),
      caption: trans.__('Start what it starts, at once'),
      icon: 'play',
      args: {
        due: { type: 'string', description: trans.__('The due time that it is run for') }
      },
      harmless: true,
      run: () => verbs().then(({ runNow }) => runNow)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-run-missed',
      label: trans.__('Run Missed Time of Schedule'),
      caption: trans.__('Start it for the newest due time that was missed'),
      icon: 'play',
      blocked: item => (item.missed ? null : trans.__('It has missed no time.')),
      harmless: true,
      run: () => verbs().then(({ runMissed }) => runMissed)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-pause',
      label: trans.__('Pause Schedule'),
      caption: trans.__('It starts nothing until it is resumed'),
      icon: 'pause',
      blocked: item => (paused(item) ? trans.__('It is paused.') : null),
      hidden: paused,
      undo: 'mlinfra:schedules-resume',
      run: () => verbs().then(({ pause }) => pause)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-resume',
      label: trans.__('Resume Schedule'),
      caption: trans.__('It runs again at its next time'),
      icon: 'play',
      blocked: item => (paused(item) ? null : trans.__('It is not paused.')),
      hidden: item => !paused(item),
      undo: 'mlinfra:schedules-pause',
      run: () => verbs().then(({ resume }) => resume)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-toggle',
      label: trans.__('Pause or Resume Schedule'),
      caption: trans.__(
        'While it is paused it starts nothing; resumed, it runs again at its next time'
      ),
      quiet: true,
      undo: 'mlinfra:schedules-toggle',
      run: () => verbs().then(({ toggle }) => toggle)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-edit',
      label: trans.__('Edit Schedule…'),
      caption: trans.__('Change when it is due and what it starts'),
      icon: 'clock',
      harmless: true,
      run: () => verbs().then(({ edit }) => edit)
    },
    {
      ...SCHEDULE,
      id: 'mlinfra:schedules-delete',
      label: trans.__('Delete Schedule…'),
      caption: trans.__('It starts nothing any more, and its history is forgotten'),
      icon: 'close',
      asks: true,
      run: () => verbs().then(({ remove }) => remove)
    }
  ];
};
