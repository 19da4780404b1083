import type { IPipelineRun } from '../api/types';
import { confirm } from '../components/confirm';
import * as format from '../format';
import { LONG_SECONDS } from '../jobs/cancel';
import { until } from '../jobs/ended';
import { formatRef } from '../refs';
import type { IOutcome, IWorkbench } from '../tokens';

/**
 * Cancel a run: with a question when it went on for long, as for a job, else at once with an undo.
 * Null: the user thought better of it.
 */
export async function cancelRun(
  { client, trans }: IWorkbench,
  pipeline: string,
  { run: id, started_at: startedAt }: IPipelineRun
): Promise<IOutcome | null> {
  const ran = (Date.now() - Date.parse(startedAt)) / 1000;
  const long = ran > LONG_SECONDS;
  const question = {
    title: trans.__('Cancel the run of %1?', pipeline),
    body: trans.__(
      'It has run for %1. What its running steps have not saved is lost.',
      format.duration(ran)
    ),
    action: trans.__('Cancel Run'),
    trans
  };
  if (long && !(await confirm(question))) {
    return null;
  }
  await client.pipelines.cancel(id);
  return long
    ? {}
    : {
        message: trans.__(
          'The run of %1 is cancelled. Undo continues its unfinished steps.',
          pipeline
        ),
        undo: {
          command: 'mlinfra:pipelines-continue',
          args: { ref: formatRef('pipeline', pipeline), run: id }
        }
      };
}

/** Wait until the steps of a run that was cancelled have ended: then it can be gone on with. */
export const whenCancelled = ({ client }: IWorkbench, run: IPipelineRun): Promise<unknown> =>
  until(
    run,
    () => client.pipelines.showRun(run.run),
    ({ state }) => state === 'running'
  );
