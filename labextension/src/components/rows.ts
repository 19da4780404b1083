import type React from 'react';
import { useCallback, useRef, useState } from 'react';

import { dragFrom } from '../code/drag';
import { pythonFor } from '../code/python';
import { useWorkbench } from '../hooks/context';
import { parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { rove, rowAction } from './keyboard';

/** What the keyboard, the mouse and a drag need to know of a row. */
export interface IRow {
  /** Unique in its list. */
  id: string;
  /** The object that it stands for; a row without one has no code and no page. */
  ref?: string;
  /** The reference with the exact version, for a drag with Shift. */
  pinned?: string;
  /** Depth, from 0. */
  level?: number;
  /** Whether its children are shown; undefined for a row without children. */
  open?: boolean;
}

export interface IRowsOptions {
  selection?: ReadonlySet<string>;
  onSelect?(selection: ReadonlySet<string>): void;
  /** Instead of the object's page. */
  onOpen?(id: string): void;
  onToggle?(id: string): void;
}

interface IRowsState {
  rows: readonly IRow[];
  index: number;
  selection: ReadonlySet<string>;
}

/** The rows that an action on row `index` means: the selection when it is part of it, else itself. */
export function meant({ rows, index, selection }: IRowsState): readonly IRow[] {
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

const refsOf = (rows: readonly IRow[]): string[] => rows.flatMap(row => row.ref ?? []);

function focusSearch(from: Element): void {
  from.closest('[data-mlinfra-frame]')?.querySelector<HTMLElement>('input[type="search"]')?.focus();
}

export interface IRowProps {
  tabIndex: number;
  'data-row': string;
  'data-mlinfra-ref': string | undefined;
  'aria-selected': boolean;
  onClick(event: React.MouseEvent): void;
  onFocus(): void;
  onKeyDown(event: React.KeyboardEvent): void;
  onMouseDown(event: React.MouseEvent): void;
}

export interface IRows {
  container: React.RefObject<HTMLElement>;
  selection: ReadonlySet<string>;
  select(id: string): void;
  propsOf(index: number): IRowProps;
}

const inControl = (event: React.SyntheticEvent): boolean =>
  (event.target as Element).closest('button, input, a, select, textarea') !== null && event.target !== event.currentTarget;

/**
 * One behaviour for every list and table: one tab stop, arrows, Enter, Space, `i`, `c`, `r`, `/`, Escape, and drag.
 * Nothing is reachable by drag or hover only.
 */
export function useRows(rows: readonly IRow[], options: IRowsOptions = {}): IRows {
  const workbench = useWorkbench();
  const container = useRef<HTMLElement>(null);
  const [activeId, setActiveId] = useState<string | null>(null);
  const [own, setOwn] = useState<ReadonlySet<string>>(new Set());
  const selection = options.selection ?? own;
  const onSelect = options.onSelect ?? setOwn;
  const active = Math.max(
    0,
    rows.findIndex(row => row.id === activeId)
  );

  const select = useCallback(
    (id: string) => {
      const next = new Set(selection);
      if (!next.delete(id)) {
        next.add(id);
      }
      onSelect(next);
    },
    [selection, onSelect]
  );

  const focus = (index: number): void => {
    const row = rows[index];
    if (row) {
      setActiveId(row.id);
      container.current?.querySelectorAll<HTMLElement>('[data-row]')[index]?.focus();
    }
  };

  const open = (index: number): void => {
    const row = rows[index];
    if (row && options.onOpen) {
      options.onOpen(row.id);
    } else if (row?.ref) {
      void workbench.open(row.ref);
    } else if (row?.open !== undefined) {
      options.onToggle?.(row.id);
    }
  };

  const extend = (event: React.KeyboardEvent, index: number, next: number): void => {
    const ids = [rows[index]?.id, rows[next]?.id].filter(id => id !== undefined);
    if (event.shiftKey && event.key.startsWith('Arrow')) {
      onSelect(new Set([...selection, ...ids]));
    }
  };

  const onKeyDown = (index: number) => (event: React.KeyboardEvent) => {
    if (inControl(event)) {
      return;
    }
    const next = event.ctrlKey || event.altKey || event.metaKey ? null : rove(event.key, index, rows.length);
    const action = rowAction(event);
    if (next === null && !action) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (next !== null) {
      extend(event, index, next);
      focus(next);
      return;
    }
    const row = rows[index];
    switch (action) {
      case 'open':
        return open(index);
      case 'select':
        return row && select(row.id);
      case 'unfold':
        return row?.open === false ? options.onToggle?.(row.id) : row?.open ? focus(index + 1) : undefined;
      case 'fold':
        return row?.open ? options.onToggle?.(row.id) : focus(parentOf(rows, index));
      case 'search':
        return focusSearch(event.currentTarget);
      case 'leave':
        return selection.size ? onSelect(new Set()) : workbench.code.focusNotebook();
      default:
        return act(workbench, action, refsOf(meant({ rows, index, selection })));
    }
  };

  const onClick = (index: number) => (event: React.MouseEvent) => {
    const row = rows[index];
    if (!row || inControl(event)) {
      return;
    }
    setActiveId(row.id);
    if (event.ctrlKey || event.metaKey) {
      select(row.id);
    } else {
      open(index);
    }
  };

  const onMouseDown = (index: number) => (event: React.MouseEvent) => {
    const picked = meant({ rows, index, selection }).filter(row => row.ref);
    if (!picked.length || inControl(event)) {
      return;
    }
    const label = picked.length === 1 ? (parseRef(picked[0]?.ref ?? '')?.name ?? '') : workbench.trans._n('%1 object', '%1 objects', picked.length);
    dragFrom(
      event,
      pinned => {
        const refs = picked.flatMap(row => (pinned ? (row.pinned ?? row.ref) : row.ref) ?? []);
        return { refs, code: workbench.code.cell(pythonFor(refs)) };
      },
      label
    );
  };

  return {
    container,
    selection,
    select,
    propsOf: index => {
      const row = rows[index];
      return {
        tabIndex: index === active ? 0 : -1,
        'data-row': row?.id ?? '',
        'data-mlinfra-ref': row?.ref,
        'aria-selected': row ? selection.has(row.id) : false,
        onClick: onClick(index),
        onFocus: () => setActiveId(row?.id ?? null),
        onKeyDown: onKeyDown(index),
        onMouseDown: onMouseDown(index)
      };
    }
  };
}

function act(workbench: IWorkbench, action: string | null, refs: readonly string[]): void {
  const code = pythonFor(refs);
  if (action === 'copy-ref') {
    workbench.code.copy(refs.join('\n'));
  } else if (!code) {
    return;
  } else if (action === 'copy') {
    workbench.code.copy(workbench.code.cell(code));
  } else if (action === 'insert') {
    void workbench.code.insertBelow(code);
  } else if (action === 'insert-at-cursor') {
    void workbench.code.insertAtCursor(code);
  }
}
