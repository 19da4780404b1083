import { ApiError } from '../api/errors';
import type { IPipelineRun, IRunOptions, ISchedule } from '../api/types';
import { confirm } from '../components/confirm';
import type { IActionCall, IOutcome, Perform } from '../tokens';
import { cancelRun, whenCancelled } from './cancel';
import type { SeenPipeline } from './commands';
import { dueWords } from './due';

type Call = IActionCall<SeenPipeline>;

/** The run to act on: the one in the arguments, else the newest. */
async function runOf({ workbench, name, item, args }: Call): Promise<IPipelineRun> {
  const { pipelines } = workbench.client;
  if (typeof args.run === 'string') {
    const runs = item && 'runs' in item ? item.runs : [];
    return runs.find(({ run }) => run === args.run) ?? pipelines.showRun(args.run);
  }
  const [newest] = (await pipelines.runs(name, { limit: 1 })).items;
  if (!newest) {
    const { trans } = workbench;
    throw new ApiError(
      'not_found',
      trans.__('%1 has no run.', name),
      '',
      trans.__('Run it first.')
    );
  }
  return newest;
}

export const start: Perform<SeenPipeline> = async ({ workbench, name, args }) => {
  const { from_step, parameters, force } = args as unknown as IRunOptions;
  await workbench.client.pipelines.run(name, { from_step, parameters, force });
};

export const cancel: Perform<SeenPipeline> = async call => {
  const run = await runOf(call);
  return cancelRun(call.workbench, call.name, run);
};

export const goOn: Perform<SeenPipeline> = async call => {
  const run = await runOf(call);
  await whenCancelled(call.workbench, run);
  await call.workbench.client.pipelines.repair(run.run);
};

export const repair: Perform<SeenPipeline> = async call => {
  const { args, workbench } = call;
  const run = typeof args.run === 'string' ? args.run : (await runOf(call)).run;
  await workbench.client.pipelines.repair(run);
};

export const schedule: Perform<SeenPipeline> = async ({ workbench, name }) => {
  await workbench.commands.execute('mlinfra:schedules-create', { pipeline: name });
};

type Scheduled = IActionCall<ISchedule>;

export const pause: Perform<ISchedule> = async ({ workbench, name, ref }) => {
  workbench.seen.note(ref, await workbench.client.schedules.pause(name));
  const message = workbench.trans.__('%1 is paused: it starts nothing until you resume it.', name);
  return { message, undo: { command: 'mlinfra:schedules-resume', args: { ref } } };
};

export const resume: Perform<ISchedule> = async ({ workbench, name, ref }) => {
  workbench.seen.note(ref, await workbench.client.schedules.resume(name));
  const message = workbench.trans.__('%1 is resumed.', name);
  return { message, undo: { command: 'mlinfra:schedules-pause', args: { ref } } };
};

export const toggle: Perform<ISchedule> = async call => {
  const { state } = await call.workbench.client.schedules.show(call.name);
  return state === 'paused' ? resume(call) : pause(call);
};

async function begin({ workbench, name, ref }: Scheduled, due?: string): Promise<IOutcome> {
  const { client, events, trans } = workbench;
  await client.schedules.runNow(name, due);
  events.tell({ topic: 'schedule', ref, data: {} });
  return {
    message: due ? trans.__('%1 runs for %2.', name, dueWords(due)) : trans.__('%1 runs now.', name)
  };
}

export const runNow: Perform<ISchedule> = call =>
  begin(call, typeof call.args.due === 'string' ? call.args.due : undefined);

export const runMissed: Perform<ISchedule> = async call => {
  const { workbench, name, ref } = call;
  const { items } = await workbench.client.schedules.history(name, { limit: 500 });
  const made = new Set(items.filter(item => item.state === 'started').map(item => item.due_at));
  const missed = items.find(item => item.state === 'missed' && !made.has(item.due_at));
  if (missed) {
    return begin(call, missed.due);
  }
  workbench.events.tell({ topic: 'schedule', ref, data: {} });
  return {
    message: workbench.trans.__('No missed time of %1 is left: nothing was started.', name)
  };
};

export const edit: Perform<ISchedule> = async ({ workbench, name }) => {
  await workbench.commands.execute('mlinfra:schedules-create', { schedule: name });
};

export const remove: Perform<ISchedule> = async ({ workbench, name }) => {
  const { client, trans } = workbench;
  const sure = await confirm({
    title: trans.__('Delete schedule %1?', name),
    body: trans.__(
      'It starts nothing any more, and its history is forgotten. What it started goes on.'
    ),
    action: trans.__('Delete'),
    trans
  });
  if (!sure) {
    return null;
  }
  await client.schedules.remove(name);
  return { message: trans.__('Schedule %1 is deleted.', name) };
};
