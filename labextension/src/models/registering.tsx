import { InputDialog } from '@jupyterlab/apputils';
import React from 'react';

import type { IRun } from '../api/types';
import { Button } from '../components/button';
import { done } from '../components/confirm';
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
      label={busy ? trans.__('Registering…') : trans.__('Register…')}
      caption={trans.__('Make the model of a run the next version of %1', model)}
      disabled={busy}
      onClick={() => void run(() => register(workbench, model))}
    />
  );
}

const named = (run: IRun): string => `${run.name} · ${format.shortId(run.id)} (${run.experiment})`;

async function register(workbench: IWorkbench, model: string): Promise<void> {
  const { client, events, trans } = workbench;
  const { items } = await client.experiments.runs({ limit: NEWEST });
  const answer = await InputDialog.getItem({
    title: trans.__('Register a version of %1', model),
    label: trans.__('The run whose model becomes the next version: one of these, or an id.'),
    items: items.map(named),
    editable: true,
    okLabel: trans.__('Register')
  });
  const chosen = answer.button.accept ? answer.value?.trim() : '';
  if (!chosen) {
    return;
  }
  const id = items.find(run => named(run) === chosen)?.id ?? chosen;
  const { version } = await client.experiments.register(model, id);
  events.tell({ topic: 'model', ref: formatRef('model', model), data: {} });
  done(trans.__('%1 has version %2.', model, version), trans);
}
