import type React from 'react';
import { useContext, useEffect, useRef, useState } from 'react';

import { dragFrom } from '../code/drag';
import { hasCode, type OwnCode, pythonOf, pythonOfOwn } from '../code/snippets';
import { useWorkbench } from '../hooks/context';
import { type IGoal, PageContext } from '../hooks/page';
import { nameOfSeen } from '../names';
import type { IWorkbench } from '../tokens';
import { failed } from './confirm';
import { errorText } from './explain';
import { rove, rowAction, type RowAction } from './keyboard';

/** What the keyboard, the mouse and a drag need to know of a row. */
export interface IRow {
  /** Unique in its list. */
  id: string;
  /** The object that it stands for; a row without one has no code and no page. */
  ref?: string;
  /** The reference with the exact version, for a drag with Shift. */
  pinned?: string;
  /** Its Python, if that is not the code of the reference. */
  code?: OwnCode;
  /** The object as the list has it: commands read there whether they are possible. */
  item?: object;
  /** Depth, from 0. */
  level?: number;
  /** Whether its children are shown; undefined for a row without children. */
  open?: boolean;
}

/** What was taken out of a list, in words, and the way back. */
export interface IRemoved {
  message: string;
  undo: () => void;
}

export interface IRowsOptions {
  selection?: ReadonlySet<string>;
  onSelect?: (selection: ReadonlySet<string>) => void;
  /** Instead of the object's page. */
  onOpen?: (id: string) => void;
  onToggle?: (id: string) => void;
  /**
   * Takes rows out of the list, such as pins: the key Delete does that, and not what it does to
   * their objects.
   */
  onRemove?: (ids: readonly string[]) => IRemoved;
  /**
   * A row that the page was asked for: it is selected, scrolled into sight, and has the focus
   * unless that is elsewhere by now.
   */
  goal?: IGoal;
}

interface IRowsState {
  rows: readonly IRow[];
  index: number;
  selection: ReadonlySet<string>;
}

/**
 * The rows that an action on row `index` acts on: the selection if the row is part of it, else the
 * row.
 */
export function targetRows({ rows, index, selection }: IRowsState): readonly IRow[] {
  const row = rows[index];
  if (!row) {
    return [];
  }
  return selection.has(row.id) ? rows.filter(other => selection.has(other.id)) : [row];
}

/** The row that encloses row `index`. */
export function parentOf(rows: readonly IRow[], index: number): number {
  const level = rows[index]?.level ?? 0;
  for (let above = index - 1; above >= 0; above--) {
    if ((rows[above]?.level ?? 0) < level) {
      return above;
    }
  }
  return index;
}

export const refsOf = (rows: readonly IRow[]): string[] => rows.flatMap(row => row.ref ?? []);

/** The Python of rows: of those that have their own each, else of all together. */
export async function codeOfRows(workbench: IWorkbench, rows: readonly IRow[]): Promise<string> {
  if (!rows.some(row => row.code)) {
    return pythonOf(workbench, refsOf(rows));
  }
  const codes = await Promise.all(
    rows.map(row =>
      row.code ? pythonOfOwn(workbench, row.code) : pythonOf(workbench, refsOf([row]))
    )
  );
  return codes.filter(Boolean).join('\n');
}

/** Milliseconds on a row until its code is asked for: it is there when it is dragged or copied. */
const LOOKED = 60;
let looking: ReturnType<typeof setTimeout> | undefined;

/** Whoever leaves a row before that has not looked at it. */
const lookAway = (): void => clearTimeout(looking);

function askSoon({ workbench, ...scene }: IScene): void {
  lookAway();
  const rows = targetRows(scene);
  looking = setTimeout(() => void codeOfRows(workbench, rows).catch(() => undefined), LOOKED);
}

function focusSearch(from: Element): void {
  from.closest('[data-mlinfra-frame]')?.querySelector<HTMLElement>('input[type="search"]')?.focus();
}

export interface IRowProps {
  tabIndex: number;
  'data-row': string;
  'data-mlinfra-ref': string | undefined;
  'data-removable': true | undefined;
  'aria-selected': boolean;
  onClick: (event: React.MouseEvent) => void;
  onDoubleClick: (event: React.MouseEvent) => void;
  onFocus: () => void;
  onKeyDown: (event: React.KeyboardEvent) => void;
  onMouseDown: (event: React.MouseEvent) => void;
  onMouseEnter: () => void;
  onMouseLeave: () => void;
}

export interface IRows {
  container: React.RefObject<HTMLElement>;
  selection: ReadonlySet<string>;
  select: (id: string) => void;
  propsOf: (index: number) => IRowProps;
}

const inControl = (event: React.SyntheticEvent): boolean =>
  (event.target as Element).closest('button, input, a, select, textarea') !== null &&
  event.target !== event.currentTarget;

/** What the handlers of the rows work with, as of the last drawing. */
interface IScene extends IRowsState {
  container: React.RefObject<HTMLElement>;
  options: IRowsOptions;
  workbench: IWorkbench;
  activate: (id: string) => void;
  choose: (selection: ReadonlySet<string>) => void;
}

function toggled(selection: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selection);
  if (!next.delete(id)) {
    next.add(id);
  }
  return next;
}

function focus({ rows, container, activate }: IScene, index: number): void {
  const row = rows[index];
  if (row) {
    activate(row.id);
    container.current?.querySelectorAll<HTMLElement>('[data-row]')[index]?.focus();
  }
}

function openRow({ rows, index, options, workbench }: IScene): void {
  const row = rows[index];
  if (row && options.onOpen) {
    options.onOpen(row.id);
  } else if (row?.ref) {
    void workbench.open(row.ref);
  } else if (row?.open !== undefined) {
    options.onToggle?.(row.id);
  }
}

/** Go to a row that was asked for from elsewhere, once for each time, as soon as it is there. */
function useGoalRow(sceneOf: (index: number) => IScene): void {
  const { rows, options, choose } = sceneOf(0);
  const { goal } = options;
  const { arrive } = useContext(PageContext);
  const index = goal ? rows.findIndex(row => row.id === goal.id) : -1;
  useEffect(() => {
    const arrival = goal && index >= 0 ? arrive(goal.turn) : null;
    if (goal && arrival) {
      const { activate, container } = sceneOf(index);
      const row = container.current?.querySelectorAll<HTMLElement>('[data-row]')[index];
      activate(goal.id);
      row?.scrollIntoView({ block: 'nearest' });
      if (arrival === 'focus') {
        row?.focus();
      }
      if (!options.onSelect) {
        choose(new Set([goal.id]));
      }
    }
  });
}

/**
 * The row before or after in the panel or page, in another list or table of it; above the first one
 * is the search box.
 */
function beyond(from: Element, down: boolean): HTMLElement | null {
  const frame = from.closest('[data-mlinfra-frame]');
  const all = [...(frame?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const place = all.findIndex(row => row === from);
  const next = all[down ? place + 1 : place - 1];
  return (
    next ?? (down ? null : (frame?.querySelector<HTMLElement>('input[type="search"]') ?? null))
  );
}

/** Go to another row; with Shift the rows passed join the selection. */
function move(scene: IScene, next: number, extend: boolean): void {
  const { rows, index, selection, choose } = scene;
  if (extend) {
    choose(new Set([...selection, ...[rows[index], rows[next]].flatMap(row => row?.id ?? [])]));
  }
  focus(scene, next);
}

/** Right opens a node, then goes into it; left closes it, or goes to the node around. */
function unfold(scene: IScene, forward: boolean): void {
  const { rows, index, options } = scene;
  const row = rows[index];
  if (row?.open === !forward) {
    options.onToggle?.(row.id);
  } else if (!forward) {
    focus(scene, parentOf(rows, index));
  } else if (row?.open) {
    focus(scene, index + 1);
  }
}

function perform(scene: IScene, action: RowAction, from: Element): void {
  const { rows, index, selection, workbench, choose } = scene;
  switch (action) {
    case 'open':
      return openRow(scene);
    case 'select':
      return choose(toggled(selection, rows[index]?.id ?? ''));
    case 'unfold':
    case 'fold':
      return unfold(scene, action === 'unfold');
    case 'search':
      return focusSearch(from);
    case 'leave':
      // A selection that someone else keeps, such as the basket of features, was picked with care
      // and has a button that empties it.
      return selection.size && !scene.options.onSelect
        ? choose(new Set())
        : workbench.code.focusNotebook();
  }
}

function onKeyDown(scene: IScene, event: React.KeyboardEvent): void {
  if (inControl(event)) {
    return;
  }
  const held = event.ctrlKey || event.altKey || event.metaKey;
  const next = held ? null : rove(event.key, scene.index, scene.rows.length);
  const action = rowAction(event);
  if (next === null && !action) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
  if (next === scene.index && arrow && !event.shiftKey) {
    beyond(event.currentTarget, event.key === 'ArrowDown')?.focus();
  } else if (next !== null) {
    move(scene, next, event.shiftKey && event.key.startsWith('Arrow'));
  } else if (action) {
    perform(scene, action, event.currentTarget);
  }
}

function onClick(scene: IScene, event: React.MouseEvent): void {
  const row = scene.rows[scene.index];
  if (!row || inControl(event)) {
    return;
  }
  scene.activate(row.id);
  if (event.ctrlKey || event.metaKey) {
    scene.choose(toggled(scene.selection, row.id));
  } else {
    openRow(scene);
  }
}

/** The first click has opened its page, the second one keeps it. */
function keepPage({ rows, index, options, workbench }: IScene, event: React.MouseEvent): void {
  const ref = rows[index]?.ref;
  if (ref && !options.onOpen && !inControl(event)) {
    workbench.keep(ref);
  }
}

function onMouseDown(scene: IScene, event: React.MouseEvent): void {
  const { trans } = scene.workbench;
  const picked = targetRows(scene).filter(row => row.code ?? (row.ref && hasCode(row.ref)));
  if (!picked.length || inControl(event)) {
    return;
  }
  const label =
    picked.length === 1
      ? nameOfSeen(scene.workbench, picked[0]?.ref ?? '')
      : trans._n('%1 object', '%1 objects', picked.length);
  const refs = (pinned: boolean): string[] =>
    picked.flatMap(row => (pinned ? (row.pinned ?? row.ref) : row.ref) ?? []);
  const own = picked.some(row => row.code);
  dragFrom(
    event,
    refs,
    label,
    async dragged =>
      own ? codeOfRows(scene.workbench, picked) : pythonOf(scene.workbench, dragged),
    error => failed(errorText(error, trans), trans)
  );
}

/** What commands need of a list. */
interface IListEntry {
  /** The rows that an action on this one acts on. */
  targetRows: (id: string) => readonly IRow[];
  onRemove: IRowsOptions['onRemove'];
}

/** What opens and closes a section. */
const HEADING = 'section > h3 > button';

const LISTS = new WeakMap<Element, IListEntry>();

/** The list around a node, and its row there. */
function listAt(node: Element): [list: IListEntry, row: string] | null {
  const row = node.closest<HTMLElement>('[data-row]');
  for (let above = row?.parentElement; above; above = above.parentElement) {
    const list = LISTS.get(above);
    if (list) {
      return [list, row?.dataset.row ?? ''];
    }
  }
  return null;
}

/** The rows that a command on a node in a list acts on: its row, or the selection with it. */
export function rowsAt(node: Element): readonly IRow[] {
  const [list, row] = listAt(node) ?? [];
  return list && row !== undefined ? list.targetRows(row) : [];
}

/** Remove the rows of a command from their list; null where they stand for their objects. */
export function removeAt(node: Element): IRemoved | null {
  const onRemove = listAt(node)?.[0].onRemove;
  if (!onRemove) {
    return null;
  }
  const ids = rowsAt(node).map(({ id }) => id);
  const row = node.closest<HTMLElement>('[data-row]');
  if (row?.contains(document.activeElement)) {
    leaveRow(row, ids);
  }
  return onRemove(ids);
}

/**
 * Move the focus from a row that is about to go with others: to the next one that stays, else to
 * the one before, else to the heading. A section may go with its last row: then the one above keeps
 * it.
 */
function leaveRow(row: HTMLElement, ids: readonly string[]): void {
  const rows = [...(row.parentElement?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const stays = (other: HTMLElement): boolean => !ids.includes(other.dataset.row ?? '');
  const place = rows.indexOf(row);
  const next = rows.slice(place).find(stays) ?? rows.slice(0, place).reverse().find(stays);
  if (next) {
    return next.focus();
  }
  const frame = row.closest('[data-mlinfra-frame]');
  const headings = [...(frame?.querySelectorAll<HTMLElement>(HEADING) ?? [])];
  const own = row.closest('section')?.querySelector<HTMLElement>(HEADING);
  const above = headings[headings.findIndex(heading => heading === own) - 1];
  own?.focus();
  setTimeout(() => own?.isConnected === false && above?.focus());
}

/**
 * One behaviour for every list and table: one tab stop, arrows, Enter, Space, `/`, Escape,
 * and drag. Nothing is reachable by drag or hover only.
 */
export function useRows(rows: readonly IRow[], options: IRowsOptions = {}): IRows {
  const workbench = useWorkbench();
  const container = useRef<HTMLElement>(null);
  const [activeId, activate] = useState<string | null>(null);
  const [own, setOwn] = useState<ReadonlySet<string>>(new Set());
  const selection = options.selection ?? own;
  const choose = options.onSelect ?? setOwn;
  const active = Math.max(
    0,
    rows.findIndex(row => row.id === activeId)
  );
  const sceneOf = (index: number): IScene => ({
    rows,
    index,
    selection,
    container,
    options,
    workbench,
    activate,
    choose
  });

  useGoalRow(sceneOf);
  rows.forEach(({ ref, item }) => ref && item && workbench.seen.note(ref, item));
  useEffect(() => {
    if (container.current) {
      LISTS.set(container.current, {
        targetRows: id => targetRows(sceneOf(rows.findIndex(row => row.id === id))),
        onRemove: options.onRemove
      });
    }
  });

  return {
    container,
    selection,
    select: id => choose(toggled(selection, id)),
    propsOf: index => {
      const row = rows[index];
      return {
        tabIndex: index === active ? 0 : -1,
        'data-row': row?.id ?? '',
        'data-mlinfra-ref': row?.ref,
        'data-removable': options.onRemove && true,
        'aria-selected': row ? selection.has(row.id) : false,
        onClick: event => onClick(sceneOf(index), event),
        onDoubleClick: event => keepPage(sceneOf(index), event),
        onFocus: () => {
          activate(row?.id ?? null);
          askSoon(sceneOf(index));
        },
        onKeyDown: event => onKeyDown(sceneOf(index), event),
        onMouseDown: event => onMouseDown(sceneOf(index), event),
        onMouseEnter: () => askSoon(sceneOf(index)),
        onMouseLeave: lookAway
      };
    }
  };
}
