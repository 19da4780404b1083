import '../../style/pipelines.css';

import React, { useCallback, useLayoutEffect, useRef, useState } from 'react';

import type { IStepRun } from '../api/types';
import { cx } from '../components/cx';
import { lookOf, State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';
import { partOf } from './drawing';
import { firingLook } from './due';
import { cellOf, drawn, type IColumn, sight } from './grid';
import { localZone } from './scheduleForm';
import { secondsOf } from './seconds';

export interface ICellSpot {
  row: string;
  /** Id of the column. */
  column: string;
}

interface IMatrixProps {
  pipeline: string;
  rows: readonly string[];
  columns: readonly IColumn[];
  selected: ICellSpot | null;
  onSelect: (spot: ICellSpot) => void;
  /** Enter, or a click: what the cell is about. */
  onOpen: (spot: ICellSpot) => void;
}

export const SIZE = { label: 168, column: 58, row: 24, head: 62 };

/** Steps × runs. Only what is in sight is drawn; arrows walk from cell to cell. */
export function Matrix(props: IMatrixProps): React.ReactElement {
  const { pipeline, rows, columns, selected, onSelect, onOpen } = props;
  const { trans } = useWorkbench();
  const spot = spotOf(rows, columns, selected);
  const at = { row: spot.row, column: spot.column < 0 ? columns.length - 1 : spot.column };
  const { host, view, look, follow } = useView(columns.at(-1)?.id);

  const go = (row: number, column: number): void => {
    const [name, target] = [rows[row], columns[column]];
    if (name && target && host.current) {
      follow();
      intoSight(host.current, row, column);
      look();
      onSelect({ row: name, column: target.id });
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = walk(event.key, at, rows.length, columns.length);
    const target = columns[at.column];
    if (
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      !(next || (target && /^(Enter| )$/.test(event.key)))
    ) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (next) {
      go(next.row, next.column);
    } else if (target) {
      onOpen({ row: rows[at.row] ?? '', column: target.id });
    }
  };
  const most = Math.max(1e-9, ...columns.map(({ run }) => (run ? (secondsOf(run) ?? 0) : 0)));
  const across = drawn(
    sight(view.left, view.width - SIZE.label, SIZE.column, columns.length),
    at.column,
    columns.length
  );
  const down = drawn(
    sight(view.top, view.height - SIZE.head, SIZE.row, rows.length),
    at.row,
    rows.length
  );
  const width = SIZE.label + columns.length * SIZE.column;
  return (
    <div
      ref={host}
      className={cx('pipelines-matrix')}
      role="grid"
      aria-label={trans.__('Steps and runs of %1', pipeline)}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      onScroll={look}
      onKeyDown={onKeyDown}
    >
      <div style={{ width, height: SIZE.head + rows.length * SIZE.row }}>
        <div
          className={cx('pipelines-matrix-head')}
          role="row"
          aria-rowindex={1}
          style={{ width, height: SIZE.head }}
        >
          <Label role="columnheader" text={trans.__('duration · %1', localZone())} />
          {across.map(index => (
            <Head
              key={columns[index]?.id}
              column={columns[index]}
              index={index}
              most={most}
              current={index === spot.column}
            />
          ))}
        </div>
        {down.map(row => (
          <Row key={rows[row]} pipeline={pipeline} name={rows[row] ?? ''} index={row} width={width}>
            {across.map(column => (
              <Cell
                key={columns[column]?.id}
                row={rows[row] ?? ''}
                column={columns[column]}
                index={column}
                tab={row === at.row && column === at.column}
                current={row === spot.row && column === spot.column}
                onPick={onOpen}
                onFocus={onSelect}
              />
            ))}
          </Row>
        ))}
      </div>
    </div>
  );
}

/** Where the chosen cell is; column −1 for none. */
function spotOf(
  rows: readonly string[],
  columns: readonly IColumn[],
  selected: ICellSpot | null
): { row: number; column: number } {
  return {
    row: Math.max(0, selected ? rows.indexOf(selected.row) : 0),
    column: selected ? columns.findIndex(column => column.id === selected.column) : -1
  };
}

interface IView {
  host: React.RefObject<HTMLDivElement>;
  view: { left: number; top: number; width: number; height: number };
  look: () => void;
  /** The chosen cell takes the focus when it is drawn next. */
  follow: () => void;
}

/**
 * What of the matrix is in sight. newest: the last column, which comes into sight when it is
 * another.
 */
function useView(newest: string | undefined): IView {
  const host = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ left: 0, top: 0, width: 800, height: 400 });
  const walking = useRef(false);
  const look = useCallback(() => {
    const node = host.current;
    if (node) {
      setView({
        left: node.scrollLeft,
        top: node.scrollTop,
        width: node.clientWidth,
        height: node.clientHeight
      });
    }
  }, []);
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const resize = new ResizeObserver(look);
    resize.observe(node);
    return () => resize.disconnect();
  }, [look]);
  useLayoutEffect(() => {
    if (host.current) {
      host.current.scrollLeft = host.current.scrollWidth;
      look();
    }
  }, [newest, look]);
  useLayoutEffect(() => {
    if (walking.current) {
      walking.current = false;
      host.current
        ?.querySelector<HTMLElement>('[role="gridcell"][tabindex="0"]')
        ?.focus({ preventScroll: true });
    }
  });
  const follow = useCallback(() => {
    walking.current = true;
  }, []);
  return { host, view, look, follow };
}

/** Where an arrow goes to. */
function walk(
  key: string,
  { row, column }: { row: number; column: number },
  rows: number,
  columns: number
): { row: number; column: number } | null {
  const moves: Readonly<Record<string, [number, number]>> = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, 0],
    End: [row, columns - 1],
    PageUp: [row - 10, column],
    PageDown: [row + 10, column]
  };
  const move = moves[key];
  const within = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));
  return move ? { row: within(move[0], rows), column: within(move[1], columns) } : null;
}

function intoSight(node: HTMLElement, row: number, column: number): void {
  const [left, top] = [column * SIZE.column, row * SIZE.row];
  const [width, height] = [node.clientWidth - SIZE.label, node.clientHeight - SIZE.head];
  node.scrollLeft = Math.min(left, Math.max(node.scrollLeft, left + SIZE.column - width));
  node.scrollTop = Math.min(top, Math.max(node.scrollTop, top + SIZE.row - height));
}

interface IRowProps {
  pipeline: string;
  name: string;
  index: number;
  width: number;
  children: React.ReactNode;
}

/** A step: its name, and its cells. */
function Row({ pipeline, name, index, width, children }: IRowProps): React.ReactElement {
  return (
    <div
      className={cx('pipelines-matrix-row')}
      role="row"
      aria-rowindex={index + 2}
      data-mlinfra-ref={formatRef('step', [pipeline, name])}
      style={{ width, height: SIZE.row, top: SIZE.head + index * SIZE.row }}
    >
      <Label role="rowheader" text={name} />
      {children}
    </div>
  );
}

/** What stands at the left of a row, and stays in sight. */
function Label({
  role,
  text
}: {
  role: 'rowheader' | 'columnheader';
  text: string;
}): React.ReactElement {
  return (
    <span
      className={cx('pipelines-matrix-label')}
      role={role}
      aria-colindex={1}
      title={text}
      style={{ width: SIZE.label }}
    >
      {text}
    </span>
  );
}

interface IHeadProps {
  column: IColumn | undefined;
  index: number;
  most: number;
  current: boolean;
}

/** How long a run took, against the longest one shown, above its date. */
function Head({ column, index, most, current }: IHeadProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!column) {
    return null;
  }
  const { day, first, clock, title, run, missed } = column;
  const seconds = run ? secondsOf(run) : null;
  const words = missed
    ? lookOf(firingLook(missed), trans).word
    : seconds !== null && trans.__('took %1', format.duration(seconds));
  return (
    <span
      className={cx('pipelines-matrix-column', current && 'is-current', missed && 'is-missed')}
      role="columnheader"
      aria-colindex={index + 2}
      aria-label={[`${day} ${clock}`.trim(), words].filter(Boolean).join(', ')}
      title={[title, run && partOf(run, trans), words].filter(Boolean).join('\n')}
      style={{ left: SIZE.label + index * SIZE.column, width: SIZE.column }}
    >
      <span className={cx('pipelines-matrix-bar')}>
        {seconds !== null && (
          <span
            className={cx(run?.state === 'failed' && 'is-bad')}
            style={{ height: `${Math.max(1, Math.round((seconds / most) * 22))}px` }}
          />
        )}
      </span>
      <span>{first ? day : '\u00a0'}</span>
      <span>{clock || '\u00a0'}</span>
    </span>
  );
}

interface ICellProps {
  row: string;
  column: IColumn | undefined;
  index: number;
  tab: boolean;
  current: boolean;
  onPick: (spot: ICellSpot) => void;
  onFocus: (spot: ICellSpot) => void;
}

function Cell({
  row,
  column,
  index,
  tab,
  current,
  onPick,
  onFocus
}: ICellProps): React.ReactElement | null {
  if (!column) {
    return null;
  }
  const spot = { row, column: column.id };
  return (
    <span
      className={cx('pipelines-matrix-cell', current && 'is-current', column.missed && 'is-missed')}
      role="gridcell"
      aria-colindex={index + 2}
      aria-selected={current}
      tabIndex={tab ? 0 : -1}
      style={{ left: SIZE.label + index * SIZE.column, width: SIZE.column }}
      onClick={() => onPick(spot)}
      onFocus={() => !current && onFocus(spot)}
    >
      {column.missed ? (
        <State state={firingLook(column.missed)} bare title={column.missed.reason || undefined} />
      ) : (
        <StepState step={cellOf(column, row)} />
      )}
    </span>
  );
}

function StepState({ step }: { step: IStepRun | undefined }): React.ReactElement | null {
  return step ? <State state={step.state} bare title={step.reason || undefined} /> : null;
}
