import React from 'react';

import type { IJob } from '../api/types';
import { Button } from '../components/button';
import { confirm } from '../components/confirm';
import { usePageKey } from '../components/frame';
import * as format from '../format';
import { type IActionState, useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { cancelJob } from './cancel';
import { ATTACH, notify } from './notify';
import { endedBadly, isActive, isAttachable, isQueued, moved } from './state';

interface IButtonsProps {
  job: IJob;
  query: IQuery<IJob>;
}

/** What can be done with a job in its present state. */
export function JobButtons(props: IButtonsProps): React.ReactElement {
  const { job } = props;
  const action = useAction();
  return (
    <>
      {isActive(job) && <CancelButton {...props} action={action} />}
      {isQueued(job) && <QueueButtons {...props} action={action} />}
      {(job.state === 'running' || endedBadly(job)) && <RequeueButton {...props} action={action} />}
      {isAttachable(job) && <AttachButton job={job} />}
      <CloneButton job={job} />
      <RunButton job={job} />
    </>
  );
}

type ActionProps = IButtonsProps & { action: IActionState };

function CancelButton({ job, query, action: { run, busy } }: ActionProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const cancel = (): void =>
    void run(async () => {
      await cancelJob(workbench, job, query.refresh);
      await query.refresh();
    });
  usePageKey('k', trans.__('cancel'), cancel, !busy);
  return (
    <Button
      icon="stop"
      label={job.array ? trans.__('Cancel All') : trans.__('Cancel')}
      disabled={busy}
      onClick={cancel}
    />
  );
}

/** Hold and release, and the keys that move a job in the queue. */
function QueueButtons({ job, query, action: { run, busy } }: ActionProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const held = job.held_by !== '';
  const toggle = async (): Promise<void> => {
    await (held ? client.jobs.release(job.id) : client.jobs.hold(job.id));
    await query.refresh();
  };
  const move = async (up: boolean): Promise<void> => {
    await client.jobs.prioritize(job.id, moved(job.priority, up));
    await query.refresh();
  };
  usePageKey('h', held ? trans.__('release') : trans.__('hold'), () => void run(toggle), !busy);
  usePageKey('Alt ↑', trans.__('priority up'), () => void run(() => move(true)));
  usePageKey('Alt ↓', trans.__('priority down'), () => void run(() => move(false)));
  return (
    <Button
      icon={held ? 'play' : 'pause'}
      label={held ? trans.__('Release') : trans.__('Hold')}
      caption={
        held ? trans.__('Let it start') : trans.__('Keep it from starting until it is released')
      }
      disabled={busy}
      onClick={() => void run(toggle)}
    />
  );
}

function AttachButton({ job }: { job: IJob }): React.ReactElement {
  const { commands, trans } = useWorkbench();
  return (
    <Button
      icon="terminal"
      label={trans.__('Attach')}
      caption={
        isActive(job)
          ? trans.__('A terminal in the environment of this job: its code, its GPUs, its variables')
          : trans.__(
              'A terminal with the code of this job; its GPUs and its environment were given back'
            )
      }
      onClick={() => void commands.execute(ATTACH, { ref: job.ref })}
    />
  );
}

/** What a requeue does, in words: what it begins from, and what is lost. */
export function requeueText(job: IJob, trans: IWorkbench['trans']): string {
  const said = [
    job.state === 'running' &&
      trans.__('It is ended first; what it has not saved by then is lost.'),
    job.array
      ? trans.__('Elements that have not succeeded start again, each from its own checkpoints.')
      : trans.__('It starts again under the same id, as attempt %1.', job.attempt + 1),
    !job.array && trans.__('It finds what it has saved in %1.', job.checkpoints ?? format.DASH),
    !job.array && job.progress_text && trans.__('Its last progress: %1', job.progress_text)
  ];
  return said.filter(Boolean).join('\n');
}

function RequeueButton({ job, query, action: { run, busy } }: ActionProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const requeue = async (): Promise<void> => {
    const title = trans.__('Requeue %1?', job.name);
    if (
      await confirm({ title, body: requeueText(job, trans), action: trans.__('Requeue'), trans })
    ) {
      const { ref } = await client.jobs.requeue(job.id);
      notify(workbench, ref);
      await query.refresh();
    }
  };
  return (
    <Button
      kind={endedBadly(job) ? 'primary' : 'default'}
      icon="refresh"
      label={job.array ? trans.__('Requeue All…') : trans.__('Requeue…')}
      caption={trans.__('Start it again under the same id, from its checkpoints')}
      disabled={busy}
      onClick={() => void run(requeue)}
    />
  );
}

/**
 * Whether a form can be filled from a job: a step belongs to its pipeline, a verb of ours is no
 * notebook of the project, an array is many.
 */
export const isFormed = ({
  notebook,
  labels,
  array
}: Pick<IJob, 'notebook' | 'labels' | 'array'>): boolean =>
  notebook !== null && !notebook.startsWith('.') && !Object.keys(labels).length && array === null;

/**
 * Another job like this one, through the form; a step belongs to its pipeline, and an array is
 * many.
 */
function CloneButton({ job }: { job: IJob }): React.ReactElement | null {
  const { trans, open } = useWorkbench();
  return Object.keys(job.labels).length || job.array ? null : (
    <Button
      icon="copy"
      label={trans.__('Clone…')}
      caption={trans.__('Another job like this one, with changes')}
      onClick={() => void open(formatRef('submit', job.notebook ?? job.name, job.id))}
    />
  );
}

/** The newest run that the job recorded, if there is one. */
function RunButton({ job: { run } }: { job: IJob }): React.ReactElement | null {
  const { trans, open } = useWorkbench();
  return run === null ? null : (
    <Button
      icon="experiments"
      label={trans.__('Open Run %1', run.slice(0, 4))}
      onClick={() => void open(formatRef('run', run))}
    />
  );
}
