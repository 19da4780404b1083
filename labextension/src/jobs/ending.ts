import { Notification } from '@jupyterlab/apputils';

import type { IJob } from '../api/types';
import { brief } from '../components/confirm';
import { lookOf } from '../components/state';
import * as format from '../format';
import type { IWorkbench } from '../tokens';

/** A job that ends sooner is seen to end. */
const SHORT_SECONDS = 10;

/** Show a notification that a job has ended, and how. */
export function tell(job: IJob, { trans, open }: IWorkbench): void {
  if ((job.elapsed_seconds ?? 0) < SHORT_SECONDS) {
    return;
  }
  const { word } = lookOf(job.state, trans);
  const after = format.duration(job.elapsed_seconds);
  const message = [
    trans.__('%1: %2 after %3', job.name, word, after),
    job.state !== 'succeeded' && job.reason
  ];
  const [text, details] = brief(message.filter(Boolean).join('\n'), trans);
  const options: Notification.IOptions<null> = {
    autoClose: 10_000,
    actions: [{ label: trans.__('Open'), callback: () => void open(job.ref) }, ...details]
  };
  if (job.state === 'succeeded') {
    Notification.success(text, options);
  } else {
    Notification.warning(text, options);
  }
}
