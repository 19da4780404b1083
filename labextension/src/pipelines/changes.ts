import { PathExt } from '@jupyterlab/coreutils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IPipelinesClient } from '../api/pipelines';
import type { IStep } from '../api/types';

type ISharedText = DocumentRegistry.ICodeModel['sharedModel'];
type Editing = Pick<IPipelinesClient, 'draft' | 'edit' | 'propose' | 'rename'>;

/**
 * A path below the project as a file in `folder` says it; a reference, or what may turn out to be
 * one, stays: the server's `_below` is the rule.
 */
export const relative = (text: string, folder: string): string =>
  !folder || /^(\/|\{\{|[a-z]{2,}:)/.test(text) ? text : PathExt.relative(`/${folder}`, `/${text}`);

/** A step as it stands in a file. */
export interface INewStep {
  name: string;
  notebook: string;
  in: readonly string[];
  out: readonly string[];
}

/**
 * The step of a notebook (a path below the project), for a file in `folder`: what it takes and
 * makes is read from its code.
 */
export async function stepOf(client: Editing, notebook: string, folder: string): Promise<INewStep> {
  const proposal = await client.propose([notebook]);
  const { graph } = await client.draft(proposal.path, proposal.text);
  const [step] = graph;
  const here = (texts: readonly string[]): string[] => texts.map(text => relative(text, folder));
  return {
    name: step?.name ?? PathExt.basename(notebook, '.ipynb'),
    notebook: relative(notebook, folder),
    in: here(step?.inputs ?? []),
    out: here(step?.outputs ?? [])
  };
}

/**
 * The text with one more step, by a name that none has: `train`, `train-2`. The server sees the
 * names in a text with a fault, too.
 */
export const withStep = (
  client: Editing,
  text: string,
  { name, ...step }: INewStep
): ReturnType<Editing['edit']> =>
  client.edit(
    text,
    ['steps', name],
    Object.fromEntries(Object.entries(step).filter(([, value]) => value.length)),
    true
  );

/**
 * The text with a step that takes what another makes, or comes after it when that makes nothing.
 */
export async function connected(
  client: Editing,
  text: string,
  from: IStep,
  to: IStep,
  folder: string
): Promise<{ readonly text: string }> {
  const made = from.outputs.length ? from.outputs : [`step:${from.name}`];
  const taken = to.inputs.map(input => relative(input, folder));
  const more = made
    .map(output => relative(output, folder))
    .filter(output => !taken.includes(output));
  return more.length ? client.edit(text, ['steps', to.name, 'in'], [...taken, ...more]) : { text };
}

/**
 * Change the text of a file that is open; what is typed while the server is asked is not
 * overwritten.
 */
export async function changeText<T extends { readonly text: string }>(
  file: Pick<ISharedText, 'getSource' | 'updateSource'>,
  how: (text: string) => Promise<T>,
  trans: TranslationBundle
): Promise<T> {
  const before = file.getSource();
  const found = await how(before);
  if (file.getSource() !== before) {
    throw new Error(trans.__('The text has changed in the meantime. Nothing was done: try again.'));
  }
  write(file, found.text);
  return found;
}

/** Make the text another one; only what differs is touched, so the cursor stays where it is. */
function write(file: Pick<ISharedText, 'getSource' | 'updateSource'>, text: string): void {
  const { start, end, value } = difference(file.getSource(), text);
  file.updateSource(start, end, value);
}

interface IReread {
  readonly model: Pick<DocumentRegistry.ICodeModel, 'fromString' | 'dirty'> & {
    readonly sharedModel: Pick<ISharedText, 'getSource' | 'updateSource'>;
  };
  readonly revert: () => Promise<void>;
}

/**
 * Read the file of an open text again; what is typed until it comes stays. Says whether the text is
 * that of the file with it: not where both have changed the same place, and then the own text stays
 * as it is.
 */
export async function reread(context: IReread): Promise<boolean> {
  const { model } = context;
  const { sharedModel: file } = model;
  const before = file.getSource();
  const replace = model.fromString.bind(model);
  let whole = true;
  // JupyterLab calls it with the text of the file, and would put that in place of all that there is
  // by then.
  model.fromString = theirs => {
    const both = merged(before, file.getSource(), theirs);
    whole = both !== null;
    if (both !== null) {
      write(file, both);
    }
    model.dirty = both !== theirs;
  };
  try {
    await context.revert();
  } finally {
    model.fromString = replace;
  }
  return whole;
}

/** Two changes of a text, both made; null where they meet. */
export function merged(before: string, mine: string, theirs: string): string | null {
  const [own, other] = [difference(before, mine), difference(before, theirs)];
  if (mine === before || mine === theirs) {
    return theirs;
  }
  if (own.start <= other.end && other.start <= own.end) {
    return null;
  }
  const later = own.start > other.end ? other.value.length - (other.end - other.start) : 0;
  return theirs.slice(0, own.start + later) + own.value + theirs.slice(own.end + later);
}

/** The part of a text that differs from another: `text.slice(start, end)` becomes `value`. */
export function difference(
  before: string,
  after: string
): { start: number; end: number; value: string } {
  let start = 0;
  while (start < before.length && before[start] === after[start]) {
    start++;
  }
  let tail = 0;
  const most = Math.min(before.length, after.length) - start;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) {
    tail++;
  }
  return { start, end: before.length - tail, value: after.slice(start, after.length - tail) };
}
