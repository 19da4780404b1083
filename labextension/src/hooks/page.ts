import React, { useContext } from 'react';

import { kindOf } from '../refs';

/** How a page goes to a row that it was asked for; null: it has gone there, or nobody asked. */
export type Arrival = 'focus' | 'show' | null;

/**
 * A page goes to what it was asked for once for each time, and leaves the focus alone once its user
 * is elsewhere.
 */
export class Arrivals {
  constructor(private readonly _page: Element) {}

  /** The page is asked for, for the `turn`th time. */
  ask(turn: number): void {
    const from = document.activeElement;
    this._from = from?.closest('[data-mlinfra-frame]') ? from : null;
    this._due = turn;
  }

  /**
   * turn: of what is drawn. A page may be drawn once more with what it was asked for before: it has
   * not arrived then.
   */
  readonly arrive = (turn: number): Arrival => {
    if (this._due !== turn) {
      return null;
    }
    this._due = null;
    const now = document.activeElement;
    const free =
      now === null || now === document.body || now === this._from || this._page.contains(now);
    return free ? 'focus' : 'show';
  };

  private _due: number | null = null;
  /** The row or link that led to the page. */
  private _from: Element | null = null;
}

/** The page in the main area that a component stands in. */
export interface IPageState {
  /**
   * What was asked for, where the page shows it among other things: a column of a dataset, a
   * version of a model.
   */
  readonly target: string;
  /** How often the page was asked for. */
  readonly turn: number;
  /** Go to what was asked for the `turn`th time, as soon as it is drawn. */
  readonly arrive: (turn: number) => Arrival;
  /** Close the tab. */
  readonly close: () => void;
}

export const PageContext = React.createContext<IPageState>({
  target: '',
  turn: 0,
  arrive: () => null,
  close: () => undefined
});

/** Close the page that this component stands in: a form whose work is done. */
export const useClose = (): (() => void) => useContext(PageContext).close;

/** A row to go to; another turn means that it was asked for again. */
export interface IGoal {
  readonly id: string;
  readonly turn: number;
}

/** The object of this kind that the page was asked for, if any. */
export function useGoal(kind: string): IGoal | undefined {
  const { target, turn } = useContext(PageContext);
  return target && kindOf(target) === kind ? { id: target, turn } : undefined;
}
