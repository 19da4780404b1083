import { InputDialog } from '@jupyterlab/apputils';
import React from 'react';

import type { IRun } from '../api/types';
import { Button } from '../components/button';
import { done } from '../components/confirm';
import { registered } from '../experiments/registered';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

/** Runs to choose from. */
const NEWEST = 20;

/** Makes the model of a run the next version of this one. */
export function Register({ model }: { model: string }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { busy, run } = useAction();
  return (
    <Button
      label={trans.__('Register…')}
      caption={trans.__('Make the model of a run the next version of %1', model)}
      disabled={busy}
      onClick={() => void run(() => register(workbench, model))}
    />
  );
}

const named = (run: IRun): string => `${run.name} · ${format.shortId(run.id)} (${run.experiment})`;

/** The id of a run; null if none was chosen. */
async function chosenRun({ client, trans }: IWorkbench, model: string): Promise<string | null> {
  const { items } = await client.experiments.runs({ limit: NEWEST });
  const answer = await InputDialog.getItem({
    title: trans.__('Register a version of %1', model),
    label: trans.__('The run whose model becomes the next version: one of these, or an id.'),
    items: items.map(named),
    editable: true,
    okLabel: trans.__('Register')
  });
  const chosen = answer.button.accept ? answer.value?.trim() : '';
  return chosen ? (items.find(run => named(run) === chosen)?.id ?? chosen) : null;
}

async function register(workbench: IWorkbench, model: string): Promise<void> {
  const id = await chosenRun(workbench, model);
  if (!id) {
    return;
  }
  const { message } = await registered(workbench, model, id);
  workbench.events.tell({ topic: 'model', ref: formatRef('model', model), data: {} });
  done(message, workbench.trans);
}
