import { InputDialog } from '@jupyterlab/apputils';
import React from 'react';

import type { IRetagged, IView, IViewDetail } from '../api/types';
import { confirm, inform } from '../components/confirm';
import { cx } from '../components/cx';
import { ended } from '../jobs/ended';
import { notify } from '../jobs/notify';
import { isActive } from '../jobs/state';
import type { IOutcome, IWorkbench, Perform } from '../tokens';
import { type FeastTags as Tags, tagWords } from './tags';

/** As long as this, in milliseconds, the end of the job is waited for; then it is notified of. */
const PATIENCE = 600_000;

const DEPRECATED = 'deprecated';

/** Change the tags in the file that defines a view. tags: all that it shall have. */
export const tag: Perform<IView | IViewDetail> = async ({ workbench, name, ref, args }) => {
  const { client, trans } = workbench;
  const before = (await client.features.show(name)).view.tags;
  const undoing = args.tags as Tags | undefined;
  const after = undoing ?? (await askTags(workbench, name, before));
  if (!after) {
    return null;
  }
  const add = Object.fromEntries(
    Object.entries(after).filter(([key, value]) => before[key] !== value)
  );
  const remove = Object.keys(before).filter(key => !(key in after));
  if (!Object.keys(add).length && !remove.length) {
    return null;
  }
  const done = await change(workbench, { name, ref, add, remove, ask: !undoing });
  return done && outcome(trans.__('The tags of %1 are changed.', name), ref, before);
};

/** Say in its definition that nobody should take a view any more, or that it may be taken again. */
export const deprecate: Perform<IView | IViewDetail> = async ({ workbench, name, ref }) => {
  const { client, trans } = workbench;
  const before = (await client.features.show(name)).view.tags;
  if (DEPRECATED in before) {
    const done = await change(workbench, { name, ref, remove: [DEPRECATED], ask: true });
    return done && outcome(trans.__('%1 is no longer deprecated.', name), ref, before);
  }
  const answer = await InputDialog.getText({
    title: trans.__('Deprecate %1', name),
    label: trans.__('What to take in its place; may be empty'),
    okLabel: trans.__('Next')
  });
  if (!answer.button.accept) {
    return null;
  }
  const add = { [DEPRECATED]: (answer.value ?? '').trim() };
  const done = await change(workbench, { name, ref, add, ask: true });
  return done && outcome(trans.__('%1 is deprecated.', name), ref, before);
};

const outcome = (message: string, ref: string, tags: Tags): IOutcome => ({
  message,
  undo: { command: 'mlinfra:features-tag', args: { ref, tags } }
});

/** The tags as a person writes them: `team=growth, gold`. */
export const written = (tags: Tags): string => tagWords(tags).join(', ');

export const read = (text: string): Tags =>
  Object.fromEntries(
    text
      .split(',')
      .map(word => word.trim())
      .filter(Boolean)
      .map(word => {
        const at = word.indexOf('=');
        return at < 0 ? [word, ''] : [word.slice(0, at).trim(), word.slice(at + 1).trim()];
      })
  );

async function askTags({ trans }: IWorkbench, name: string, tags: Tags): Promise<Tags | null> {
  // What a comma would tear apart stays as it is.
  const plain = Object.entries(tags).filter(([key, value]) => !`${key}${value}`.includes(','));
  const rest = Object.entries(tags).filter(([key, value]) => `${key}${value}`.includes(','));
  const answer = await InputDialog.getText({
    title: trans.__('Tags of %1', name),
    label: trans.__('NAME or NAME=VALUE, with commas between them'),
    text: written(Object.fromEntries(plain)),
    okLabel: trans.__('Next')
  });
  return answer.button.accept ? { ...Object.fromEntries(rest), ...read(answer.value ?? '') } : null;
}

interface IChange {
  name: string;
  ref: string;
  add?: Tags;
  remove?: readonly string[];
  ask: boolean;
}

/** Show what would be written, write and apply it, as a job. Null: it was not done, or not yet. */
async function change(
  workbench: IWorkbench,
  { name, ref, add = {}, remove = [], ask }: IChange
): Promise<true | null> {
  const { client, events, trans } = workbench;
  const tags = { add, remove };
  const seen = await client.features.tagged(name, tags);
  if (!seen.diff) {
    inform(trans.__('%1 says so already.', seen.file), trans);
    return null;
  }
  if (ask && !(await confirm({ ...words(seen, workbench), trans }))) {
    return null;
  }
  const signal = AbortSignal.timeout(PATIENCE);
  const job = await ended(client, await client.features.tag(name, tags), { signal });
  if (isActive(job)) {
    notify(workbench, job.ref);
    return null;
  }
  events.tell({ topic: 'view', ref, data: {} });
  return true;
}

/** What uses the view, and the lines that change. */
function words(
  { view, file, line, diff, used_by }: IRetagged,
  { trans }: IWorkbench
): { title: string; body: React.ReactElement; action: string } {
  const lines = diff
    .split('\n')
    .slice(2)
    .filter(text => /^[+-]/.test(text));
  return {
    title: trans.__('Change the definition of %1?', view),
    body: (
      <div className={cx('widget')}>
        {used_by.length > 0 && (
          <p>{trans.__('Used by %1: that goes on as before.', used_by.join(', '))}</p>
        )}
        <p>{trans.__('In %1, line %2:', file, line)}</p>
        <pre tabIndex={0}>{lines.join('\n')}</pre>
      </div>
    ),
    action: trans.__('Write and Apply')
  };
}
