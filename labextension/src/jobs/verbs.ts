import type { IJob } from '../api/types';
import { confirm, failed } from '../components/confirm';
import * as format from '../format';
import { formatRef } from '../refs';
import type { IActionCall, IWorkbench, Perform } from '../tokens';
import { attach } from './attach';
import { cancelJob, takeBack } from './cancel';
import { notify } from './notify';
import { moved } from './lines';

type Call = IActionCall<IJob>;

/** The job as it is now: what was drawn of it may be old, and verbs decide by it. */
const jobOf = ({ workbench, name }: Call): Promise<IJob> => workbench.client.jobs.show(name);

export const cancel: Perform<IJob> = async call => cancelJob(call.workbench, await jobOf(call));

export const restore: Perform<IJob> = async ({ workbench, name }) =>
  takeBack(workbench, await workbench.client.jobs.show(name));

/** What waits of it: the record of an array is that of its first element, which may have ended. */
async function waitingOf(call: Call): Promise<IJob> {
  const job = await jobOf(call);
  const { jobs } = call.workbench.client;
  return (
    (job.array && (await jobs.list({ array: job.id, state: 'queued', limit: 1 })).items[0]) ?? job
  );
}

/** Keep it up to date until the list is asked again: the next press of the key goes on from it. */
const note = ({ workbench, ref }: Call, job: IJob): void => workbench.seen.note(ref, job);

export const hold: Perform<IJob> = async call => {
  const { client, trans } = call.workbench;
  const job = await client.jobs.hold(call.name);
  note(call, job);
  return {
    message: trans.__('%1 is on hold: it does not start until you release it.', job.name),
    undo: { command: 'mlinfra:jobs-release', args: { ref: call.ref } }
  };
};

export const release: Perform<IJob> = async call => {
  const { client, trans } = call.workbench;
  const job = await client.jobs.release(call.name);
  note(call, job);
  return {
    message: trans.__('%1 is released.', job.name),
    undo: { command: 'mlinfra:jobs-hold', args: { ref: call.ref } }
  };
};

export const toggleHold: Perform<IJob> = async call =>
  (await waitingOf(call)).held_by ? release(call) : hold(call);

const move = async (call: Call, up: boolean): Promise<void> => {
  const { priority } = await waitingOf(call);
  note(call, await call.workbench.client.jobs.prioritize(call.name, moved(priority, up)));
};
export const raise: Perform<IJob> = call => move(call, true);
export const lower: Perform<IJob> = call => move(call, false);

/** What a requeue does, in words: what it begins from, and what is lost. */
export function requeueText(job: IJob, trans: IWorkbench['trans']): string {
  const parts = [
    job.state === 'running' &&
      trans.__('It is ended first; what it has not saved by then is lost.'),
    job.array
      ? trans.__('Elements that have not succeeded start again, each from its own checkpoints.')
      : trans.__('It starts again under the same id, as attempt %1.', job.attempt + 1),
    !job.array && trans.__('It finds what it has saved in %1.', job.checkpoints ?? format.DASH),
    !job.array && job.progress_text && trans.__('Its last progress: %1', job.progress_text)
  ];
  return parts.filter(Boolean).join('\n');
}

export const requeue: Perform<IJob> = async call => {
  const { workbench } = call;
  const { client, trans } = workbench;
  const job = await jobOf(call);
  const title = trans.__('Requeue %1?', job.name);
  const sure = await confirm({
    title,
    body: requeueText(job, trans),
    action: trans.__('Requeue'),
    trans
  });
  if (!sure) {
    return null;
  }
  notify(workbench, (await client.jobs.requeue(job.id)).ref);
};

export const attachTo: Perform<IJob> = ({ workbench, ref }) => attach(workbench, ref || null);

export const clone: Perform<IJob> = async call => {
  const job = call.item ?? (await jobOf(call));
  await call.workbench.open(formatRef('submit', job.notebook ?? job.name, job.id));
};

export const openRun: Perform<IJob> = async call => {
  const job = call.item?.run ? call.item : await jobOf(call);
  if (job.run === null) {
    const { trans } = call.workbench;
    failed(trans.__('%1 has recorded no run.', job.name), trans);
    return null;
  }
  await call.workbench.open(formatRef('run', job.run));
  return undefined;
};
