import { InputDialog } from '@jupyterlab/apputils';

import type { IAlert } from '../api/types';
import { confirm } from '../components/confirm';
import * as format from '../format';
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
  const { acknowledged } = await client.monitoring.acknowledge(call.ref, why);
  tell(call);
  return {
    message: trans._n(
      'You look after %2.',
      'You look after %1 alerts of %2.',
      acknowledged.length,
      call.name
    )
  };
};

export const silence: Perform<IAlert> = async call => {
  const { client, trans } = call.workbench;
  const until = trans.__('until a time…');
  const words = [
    trans.__('1 hour'),
    trans.__('4 hours'),
    trans.__('1 day'),
    trans.__('7 days'),
    until
  ];
  const chosen = await InputDialog.getItem({
    title: trans.__('Silence %1 for', call.name),
    items: words,
    okLabel: trans.__('Next')
  });
  if (!chosen.button.accept) {
    return null;
  }
  const seconds =
    chosen.value === until
      ? await untilThen(call)
      : (SPANS[words.indexOf(chosen.value ?? '')] ?? null);
  if (seconds === null) {
    return null;
  }
  const why = await asked(trans.__('Why is %1 silenced?', call.name), trans.__('Silence'));
  if (!why) {
    return null;
  }
  const { number } = await client.monitoring.silence(call.ref, seconds, why);
  tell(call);
  return {
    message: trans.__('%1 is silenced for %2.', call.name, format.span(seconds)),
    undo: { command: 'mlinfra:alerts-unsilence', args: { ref: call.ref, number } }
  };
};

/** Seconds until a time that the user types; null if it was cancelled. */
async function untilThen({
  workbench: { trans },
  name
}: IActionCall<IAlert>): Promise<number | null> {
  const typed = await asked(
    trans.__('Silence %1 until (such as 2026-12-24 08:00)', name),
    trans.__('Next')
  );
  if (!typed) {
    return null;
  }
  const seconds = (Date.parse(typed) - Date.now()) / 1000;
  if (!(seconds > 0)) {
    throw new Error(trans.__('%1 is no time in the future. Nothing was silenced.', typed));
  }
  return seconds;
}

export const unsilence: Perform<IAlert> = async call => {
  await call.workbench.client.monitoring.unsilence(Number(call.args.number));
  tell(call);
};

export const notebook: Perform<IAlert> = async call => {
  const { client, commands } = call.workbench;
  const { path } = await client.monitoring.notebook(call.ref);
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
  const { pipeline, run } = await client.monitoring.retrain(call.ref, '');
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
  const { name } = await client.monitoring.rollback(call.ref, '');
  tell(call);
  return { message: trans.__('%1 is back at its earlier traffic.', name) };
};
