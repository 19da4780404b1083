import type { IJob } from '../api/types';
import { confirm, inform } from '../components/confirm';
import * as format from '../format';
import type { IOutcome, IWorkbench } from '../tokens';
import { over } from './ended';
import { isActive } from './state';

/** A cancel of what ran longer than this is asked about: an undo would begin all of it again. */
export const LONG_SECONDS = 600;

type Trans = IWorkbench['trans'];

/** What cannot be undone of a cancel, in words; empty when an undo brings all of it back. */
export function lossOf(job: IJob, trans: Trans): string {
  const ran = job.elapsed_seconds ?? 0;
  if (job.labels.pipeline) {
    return trans.__(
      'It is a step: the run of %1 is cancelled with it, and a repair goes on from there.',
      job.labels.pipeline
    );
  }
  if (ran > LONG_SECONDS) {
    return job.checkpoints
      ? trans.__(
          'It has run for %1. What it has not saved in %2 is lost; a requeue goes on from there.',
          format.duration(ran),
          job.checkpoints
        )
      : trans.__(
          'It has run for %1. What its elements have not saved is lost; a requeue goes on from what they saved.',
          format.duration(ran)
        );
  }
  const before = job.array?.states.cancelled ?? 0;
  return before
    ? trans._n(
        '%1 element was cancelled before. Later, you cannot tell it from those cancelled now.',
        '%1 elements were cancelled before. Later, you cannot tell them from those cancelled now.',
        before
      )
    : '';
}

/**
 * Cancel a job: with a question where something is lost, else at once with an undo. Null: the user
 * thought better of it.
 */
export async function cancelJob(workbench: IWorkbench, job: IJob): Promise<IOutcome | null> {
  const { client, trans } = workbench;
  const { name } = job;
  const loss = lossOf(job, trans);
  if (loss) {
    const title = trans.__('Cancel %1?', name);
    if (!(await confirm({ title, body: loss, action: trans.__('Cancel Job'), trans }))) {
      return null;
    }
  }
  const cancelled = await client.jobs.cancel(job.id);
  if (cancelled.state !== 'cancelled' && !isActive(cancelled)) {
    inform(trans.__('%1 had ended before.', name), trans);
    return {};
  }
  if (loss) {
    return {};
  }
  const ran = job.state === 'running' && job.elapsed_seconds !== null;
  const message = ran
    ? trans.__(
        '%1 is cancelled. It had run for %2; an undo starts it again.',
        name,
        format.duration(job.elapsed_seconds)
      )
    : trans.__('%1 is cancelled.', name);
  return { message, undo: { command: 'mlinfra:jobs-restore', args: { ref: job.ref } } };
}

/** Take a cancel back; what still ends is waited for, since only what has ended can wait again. */
export async function takeBack(
  { client, trans }: IWorkbench,
  job: IJob
): Promise<IOutcome | undefined> {
  const { state, name } = await over(client, job);
  if (state === 'succeeded') {
    inform(trans.__('%1 had succeeded before it was cancelled.', name), trans);
    return undefined;
  }
  await client.jobs.restore(job.id);
  return { message: trans.__('%1 waits again.', name) };
}
