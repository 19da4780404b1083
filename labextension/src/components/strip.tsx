import React, { useRef, useState } from 'react';

import { useWorkbench } from '../hooks/context';
import { cx } from './cx';
import { Shape } from './icon';
import { rove } from './keyboard';
import { Num } from './number';
import { lookOf } from './state';

/** The order in which parts of a whole stand beside each other: what is over first. */
const ORDER = ['succeeded', 'failed', 'lost', 'cancelled', 'running', 'starting', 'queued'];

/** The states that occur, in the order of the strip. */
export function parts(states: Readonly<Record<string, number>>): [state: string, count: number][] {
  const place = (state: string): number =>
    ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length;
  return Object.entries(states)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => place(a) - place(b));
}

/** How many parts of a whole are in each state: a bar, and the counts with their shapes. */
export function StateBar({
  states,
  label
}: {
  states: Readonly<Record<string, number>>;
  label: string;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const found = parts(states);
  return (
    <span className={cx('strip-bar')} role="group" aria-label={label}>
      <span className={cx('strip')} aria-hidden="true">
        {found.map(([state, count]) => (
          <span
            key={state}
            className={cx(`tone-${lookOf(state, trans).tone}`)}
            style={{ flexGrow: count }}
          />
        ))}
      </span>
      {found.map(([state, count]) => {
        const { shape, tone, word } = lookOf(state, trans);
        return (
          <span key={state} className={cx('strip-count')} data-state={state} title={word}>
            <span className={cx(`tone-${tone}`)}>
              <Shape name={shape} />
            </span>
            <Num value={count} />
            <span className={cx('unseen')}> {word}</span>
          </span>
        );
      })}
    </span>
  );
}

export interface ICell {
  id: string;
  state: string;
  /** What it is called: `sweep/3`. */
  name: string;
}

interface ICellsProps {
  label: string;
  cells: readonly ICell[];
  onOpen: (id: string) => void;
}

/** One shape for each part of a whole, in its order; one tab stop, arrows move, Enter opens. */
export function StateCells({ label, cells, onOpen }: ICellsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const [active, activate] = useState(0);
  const current = Math.min(active, cells.length - 1);
  const move = (event: React.KeyboardEvent): void => {
    const next = rove(event.key, current, cells.length, 'horizontal');
    if (next !== null && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      activate(next);
      host.current?.querySelectorAll('button')[next]?.focus();
    }
  };
  return (
    <div ref={host} className={cx('cells')} role="toolbar" aria-label={label} onKeyDown={move}>
      {cells.map(({ id, state, name }, index) => {
        const { shape, tone, word } = lookOf(state, trans);
        const words = trans.__('%1: %2', name, word);
        return (
          <button
            key={id}
            type="button"
            className={cx('cell-state', `tone-${tone}`)}
            data-state={state}
            title={words}
            aria-label={words}
            tabIndex={index === current ? 0 : -1}
            onFocus={() => activate(index)}
            onClick={() => onOpen(id)}
          >
            <Shape name={shape} />
          </button>
        );
      })}
    </div>
  );
}
