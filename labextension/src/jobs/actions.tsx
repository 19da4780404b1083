import React from 'react';

import type { IJob } from '../api/types';
import { ActionButton } from '../components/action';
import { useWorkbench } from '../hooks/context';
import { useName } from '../hooks/name';
import { formatRef } from '../refs';
import { endedBadly, isActive, isAttachable, isCloneable, isQueued } from './state';

/** What can be done with a job in its present state. */
export function JobButtons({ job }: { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  const run = useName(job.run === null ? '' : formatRef('run', job.run));
  const held = job.held_by !== '';
  const button = (
    verb: string,
    label: string,
    kind: 'default' | 'primary' = 'default'
  ): React.ReactElement => (
    <ActionButton command={`mlinfra:jobs-${verb}`} target={job} label={label} kind={kind} />
  );
  return (
    <>
      {isActive(job) && button('cancel', job.array ? trans.__('Cancel All') : trans.__('Cancel'))}
      {isQueued(job) &&
        (held ? button('release', trans.__('Release')) : button('hold', trans.__('Hold')))}
      {(job.state === 'running' || endedBadly(job)) &&
        button(
          'requeue',
          job.array ? trans.__('Requeue All…') : trans.__('Requeue…'),
          endedBadly(job) ? 'primary' : 'default'
        )}
      {isAttachable(job) && button('attach', trans.__('Attach'))}
      {isCloneable(job) && button('clone', trans.__('Clone…'))}
      {job.run !== null && button('open-run', trans.__('Open Run %1', run))}
    </>
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
