import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Door } from '../code/cell';
import { pythonOf } from '../code/snippets';
import { done, failed } from '../components/confirm';
import { errorText } from '../components/explain';
import { codeOfRows, refsOf, removeAt, rowsAt } from '../components/rows';
import { kinds } from '../kinds';
import { nameOfSeen } from '../names';
import { kindOf } from '../refs';
import type { IWorkbench } from '../tokens';

type Args = ReadonlyPartialJSONObject;

/** The objects to act on: the one in the arguments, the selected rows, or the open page. */
function targets({ pointer }: IWorkbench, args: Args): readonly string[] {
  if (typeof args.ref === 'string') {
    return [args.ref];
  }
  const rows = pointer.node ? refsOf(rowsAt(pointer.node)) : [];
  return rows.length ? rows : pointer.refs(args).slice(0, 1);
}

interface ISource {
  /** Of a page, as it is; else on its way, and without the import that the notebook has. */
  text: string | Promise<string>;
  door: Door;
}

/** The code to insert or copy: of an object or the selected rows, else of the page. */
function source(workbench: IWorkbench, args: Args): ISource {
  const { node, frame } = workbench.pointer;
  const rows = node && typeof args.ref !== 'string' ? rowsAt(node) : [];
  const inRow = node?.closest('[data-mlinfra-ref]');
  const own = typeof args.ref === 'string' || inRow ? null : frame?.code();
  if (own) {
    return own;
  }
  const code = rows.length
    ? codeOfRows(workbench, rows)
    : pythonOf(workbench, targets(workbench, args));
  const text = code.catch((error: unknown) => {
    failed(errorText(error, workbench.trans), workbench.trans);
    return '';
  });
  return { text, door: 'python' };
}

/** Where a quick search or a popup is used, a step to another place closes it. */
const leavingFrom = (workbench: IWorkbench): IWorkbench =>
  workbench.pointer.frame?.workbench ?? workbench;

export async function insert(workbench: IWorkbench, args: Args): Promise<void> {
  const { text, door } = source(workbench, args);
  await leavingFrom(workbench).code.insertBelow(text, door);
}

/**
 * The text of a cell, as a screen reader has it: a name that is cut in its middle is there twice.
 */
function readable(cell: Element): string {
  const copy = cell.cloneNode(true) as Element;
  copy.querySelectorAll('[aria-hidden="true"]').forEach(node => node.remove());
  return copy.textContent.trim();
}

/** What a row says, its cells divided by tabs, as spreadsheets take it. */
export function copyRow({ pointer, code }: IWorkbench): void {
  const row = pointer.node?.closest('[data-row]');
  if (row) {
    const cells = [...row.querySelectorAll('td')];
    code.copy((cells.length ? cells : [row]).map(readable).join('\t'));
  }
}

export async function insertAtCursor(workbench: IWorkbench, args: Args): Promise<void> {
  const { text, door } = source(workbench, args);
  await leavingFrom(workbench).code.insertAtCursor(text, door);
}

export function copyCode(workbench: IWorkbench, args: Args): void {
  const { text } = source(workbench, args);
  workbench.code.copy(typeof text === 'string' ? text : workbench.code.cell(text));
}

export function copyReference(workbench: IWorkbench, args: Args): void {
  const refs = targets(workbench, args);
  if (refs.length) {
    workbench.code.copy(refs.join('\n'));
  }
}

export function pin(workbench: IWorkbench, args: Args): void {
  const { trans, shelf } = workbench;
  for (const ref of targets(workbench, args)) {
    const before = shelf.pinned;
    const pinned = !before.includes(ref);
    shelf.pin(ref, pinned);
    const name = nameOfSeen(workbench, ref);
    const message = pinned
      ? trans.__('%1 is pinned.', name)
      : trans.__('%1 is no longer pinned.', name);
    done(message, trans, { label: trans.__('Undo'), run: () => shelf.pin(ref, !pinned, before) });
  }
}

/**
 * Take rows out of a list that the user has put together, or call what removes each of the objects:
 * it asks, or can be undone.
 */
export async function remove(workbench: IWorkbench, args: Args): Promise<void> {
  const { node } = workbench.pointer;
  const removed = node && typeof args.ref !== 'string' ? removeAt(node) : null;
  if (removed) {
    const { trans } = workbench;
    done(removed.message, trans, { label: trans.__('Undo'), run: removed.undo });
    return;
  }
  for (const ref of targets(workbench, args)) {
    const command = kinds.get(kindOf(ref))?.remove;
    if (command && workbench.commands.isEnabled(command, { ref })) {
      await workbench.commands.execute(command, { ref });
    }
  }
}
