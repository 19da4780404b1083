import React, { useContext } from 'react';

import { kindOf } from '../refs';

/** The page in the main area that a component stands in. */
export interface IPageState {
  /** What was asked for, where the page shows it among other things: a column of a dataset, a version of a model. */
  readonly target: string;
  /** How often the page was asked for. */
  readonly turn: number;
  /** Close the tab. */
  readonly close: () => void;
}

export const PageContext = React.createContext<IPageState>({ target: '', turn: 0, close: () => undefined });

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
