import React, { useEffect, useRef, useState } from 'react';

import { errorText } from '../components/explain';
import { Button } from '../components/button';
import { prose } from '../components/card';
import { cx } from '../components/cx';
import { Progress } from '../components/progress';
import type { IIngest, IJob } from '../api/types';
import { useWorkbench } from '../hooks/context';
import { fractionOf, until } from '../jobs/ended';
import { isActive } from '../jobs/state';

interface IDryRunProps {
  /** What would be done; null while that is not known. */
  asked: IIngest | null;
}

interface ITrial {
  /** What was tried, as text. */
  readonly of: string;
  readonly job?: IJob;
  readonly fault?: string;
}

/** Read and judge all rows before any is written, with progress and a way to stop. */
export function DryRun({ asked }: IDryRunProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [trial, show] = useState<ITrial | null>(null);
  const running = useRef<IJob | null>(null);
  const closed = useRef(false);
  const cancel = (): void => {
    const job = running.current;
    if (job) {
      running.current = null;
      void client.jobs.cancel(job.id).catch(() => undefined); // it may just have ended
    }
  };
  useEffect(
    () => () => {
      closed.current = true;
      cancel();
    },
    [] // eslint-disable-line react-hooks/exhaustive-deps -- when the dialog is closed
  );
  const key = JSON.stringify(asked);
  const run = async (): Promise<void> => {
    if (!asked) {
      return;
    }
    try {
      const first = await client.catalog.ingest({ ...asked, dry_run: true });
      running.current = first;
      if (closed.current) {
        return cancel();
      }
      const look = async (): Promise<IJob> => {
        const job = await client.jobs.show(first.id);
        show({ of: key, job });
        return job;
      };
      show({ of: key, job: first });
      await until(first, look, isActive);
    } catch (error) {
      show({ of: key, fault: errorText(error, trans) });
    } finally {
      running.current = null;
    }
  };
  const job = trial?.job;
  const isRunning = job !== undefined && isActive(job);
  const isNow = trial?.of === key || isRunning;
  return (
    <div className={cx('bar')}>
      <Button
        label={isRunning ? trans.__('Stop') : trans.__('Dry Run')}
        caption={
          isRunning
            ? trans.__('Read no further')
            : trans.__('Read and judge all rows, and write nothing')
        }
        disabled={!isRunning && !asked}
        onClick={() => (isRunning ? cancel() : void run())}
      />
      {isRunning && (
        <Progress fraction={fractionOf(job)} label={trans.__('rows that are judged')} width={120} />
      )}
      {isNow && <span role="status">{prose(wordsOf(trial))}</span>}
    </div>
  );
}

/** How far it is, or how it went. */
function wordsOf(trial: ITrial | null): string {
  const { fault, job } = trial ?? {};
  if (!job) {
    return fault ?? '';
  }
  return isActive(job) || job.state === 'succeeded' ? job.progress_text : job.reason || job.state;
}
