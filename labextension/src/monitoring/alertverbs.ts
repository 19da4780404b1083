import { InputDialog } from '@jupyterlab/apputils';

import type { IAlert } from '../api/types';
import { confirm } from '../components/confirm';
import { formatRef } from '../refs';
import type { IActionCall, Perform } from '../tokens';

/** Seconds. */
const SPANS = [3_600, 14_400, 86_400, 604_800];

/** A line of text from the user; null if it was cancelled. */
async function asked(title: string, okLabel: string): Promise<string | null> {
  const answer = await InputDialog.getText({ title, okLabel });
  return answer.button.accept ? (answer.value ?? '') : null;
}

/** Lists and pages read again what has changed. */
const tell = ({ workbench, ref }: IActionCall<IAlert>): void =>
  workbench.events.tell({ topic: 'alert', ref, data: {} });

export const acknowledge: Perform<IAlert> = async call => {
  const { client, trans } = call.workbench;
  const why = await asked(trans.__('What do you know of %1?', call.name), trans.__('Acknowledge'));
  if (why === null) {
    return null;
  }
  await client.monitoring.acknowledge(call.name, why);
  tell(call);
  return { message: trans.__('You look after %1.', call.name) };
};

export const silence: Perform<IAlert> = async call => {
  const { client, trans } = call.workbench;
  const words = [trans.__('1 hour'), trans.__('4 hours'), trans.__('1 day'), trans.__('7 days')];
  const chosen = await InputDialog.getItem({
    title: trans.__('Silence %1 for', call.name),
    items: words,
    okLabel: trans.__('Next')
  });
  const seconds = SPANS[words.indexOf(chosen.value ?? '')];
  if (!chosen.button.accept || seconds === undefined) {
    return null;
  }
  const why = await asked(trans.__('Why is %1 silenced?', call.name), trans.__('Silence'));
  if (!why) {
    return null;
  }
  const { number } = await client.monitoring.silence(call.name, seconds, why);
  tell(call);
  return {
    message: trans.__('%1 is silenced for %2.', call.name, chosen.value ?? ''),
    undo: { command: 'mlinfra:alerts-unsilence', args: { ref: call.ref, number } }
  };
};

export const unsilence: Perform<IAlert> = async call => {
  await call.workbench.client.monitoring.unsilence(Number(call.args.number));
  tell(call);
};

export const notebook: Perform<IAlert> = async call => {
  const { client, commands } = call.workbench;
  const { path } = await client.monitoring.notebook(call.name);
  tell(call);
  await commands.execute('mlinfra:workbench-open-file', { path });
};

export const retrain: Perform<IAlert> = async call => {
  const { client, trans } = call.workbench;
  const sure = await confirm({
    title: trans.__('Retrain for %1?', call.name),
    body: trans.__(
      'The pipeline that made the model is started, with the parameters that it had and without its cache.'
    ),
    action: trans.__('Retrain'),
    trans
  });
  if (!sure) {
    return null;
  }
  const { pipeline, run } = await client.monitoring.retrain(call.name, '');
  tell(call);
  await call.workbench.open(formatRef('pipeline', pipeline));
  return { message: trans.__('Pipeline %1 runs as %2.', pipeline, run) };
};

export const rollback: Perform<IAlert> = async call => {
  const { client, trans } = call.workbench;
  const sure = await confirm({
    title: trans.__('Roll back for %1?', call.name),
    body: trans.__('The versions that had the traffic before get it back, at once.'),
    action: trans.__('Roll Back'),
    trans
  });
  if (!sure) {
    return null;
  }
  const { name } = await client.monitoring.rollback(call.name, '');
  tell(call);
  return { message: trans.__('%1 is back at its earlier traffic.', name) };
};
