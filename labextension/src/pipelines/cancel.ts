import type { IPipelineRun } from '../api/types';
import { errorText } from '../components/explain';
import { confirm, done, failed } from '../components/confirm';
import * as format from '../format';
import { LONG_SECONDS } from '../jobs/cancel';
import { until } from '../jobs/ended';
import type { IWorkbench } from '../tokens';

/**
 * Cancel a run: with a question when it went on for long, as for a job, else at once with an undo
 * for ten seconds. Says whether it was cancelled. onUndo: called once it goes on.
 */
export async function cancelRun(
  workbench: IWorkbench,
  pipeline: string,
  known: IPipelineRun,
  onUndo: () => unknown
): Promise<boolean> {
  const { client, trans } = workbench;
  const ran = (Date.now() - Date.parse(known.started_at)) / 1000;
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
    return false;
  }
  await client.pipelines.cancel(known.run);
  if (!long) {
    const undo = (): void =>
      void goOn(workbench, known).then(onUndo, (error: unknown) =>
        failed(errorText(error, trans), trans)
      );
    done(
      trans.__(
        'The run of %1 is cancelled. An undo goes on with what it had not finished.',
        pipeline
      ),
      trans,
      {
        label: trans.__('Undo'),
        run: undo
      }
    );
  }
  return true;
}

/** Go on with a run that was cancelled, once its steps have ended. */
async function goOn({ client: { pipelines } }: IWorkbench, known: IPipelineRun): Promise<void> {
  await until(
    known,
    () => pipelines.showRun(known.run),
    ({ state }) => state === 'running'
  );
  await pipelines.repair(known.run);
}
