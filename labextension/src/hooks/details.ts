import { useContext, useEffect, useReducer, useRef, useState } from 'react';

import type { IAnswers, IUse } from '../answers/answers';
import type { ApiError } from '../api/errors';
import type { Topic } from '../api/events';
import { useWorkbench } from './context';
import { RefreshContext } from './refresh';
import { useVisible } from './visible';

export interface IDetail<T> {
  data?: T;
  error?: ApiError;
}

/** A row whose details are to be shown. */
export interface IUnfolded {
  readonly ref: string;
  readonly name: string;
  /** What the list knows of it: another version makes its details old. */
  readonly version: string;
}

/** Rows that are unfolded, with what the list knows of each. */
export const unfolded = (
  items: readonly Omit<IUnfolded, 'version'>[],
  open: ReadonlySet<string>
): IUnfolded[] =>
  items
    .filter(({ ref }) => open.has(ref))
    .map(item => ({ ref: item.ref, name: item.name, version: JSON.stringify(item) }));

export interface IDetailsOptions<T> {
  /**
   * When the list was answered: with each answer of it those are asked for again that failed, or
   * that `moves` names.
   */
  at: number;
  /** Whether the details of this name change without the list showing it. */
  moves?: (data: T, name: string) => boolean;
  /** News of a row that makes its details old. */
  topics?: readonly Topic[];
  /** What is asked, by the row's reference; by default what its page asks too. */
  key?: (ref: string) => string;
}

/** What the details of a row were last asked for with. */
interface IState {
  version: string;
  turn: number;
  at: number;
}

interface IAsked<T> {
  use: IUse<T>;
  state: IState;
  /** Whether the row is unfolded. */
  open: boolean;
  /** Listen no more. */
  leave: () => void;
}

/**
 * The details of rows that are or were unfolded: what is asked for already is not dropped, and
 * answers keep their pace.
 */
class Details<T> {
  constructor(
    private readonly _answers: IAnswers,
    private readonly _changed: () => void
  ) {}

  /**
   * Ask for what is new of a row that is unfolded. moving: whether its details change without the
   * list showing it.
   */
  ask(name: string, state: IState, begin: () => IUse<T>, moving: (data: T) => boolean): void {
    const asked = this._asked.get(name);
    if (asked) {
      follow(asked, state, moving);
      Object.assign(asked, { state, open: true });
    }
    const { use } = asked ?? this._begin(name, state, begin());
    use.look(true);
  }

  begin(key: string, fetch: () => Promise<T>, topics: readonly Topic[], ref: string): IUse<T> {
    return this._answers.use(key, fetch, { every: () => null, topics, about: [ref] });
  }

  /** Of rows that are folded nothing is asked. */
  fold(unfolded: ReadonlySet<string>): void {
    for (const [name, asked] of this._asked) {
      if (!unfolded.has(name)) {
        asked.open = false;
        asked.use.look(false);
      }
    }
  }

  readonly stop = (): void => this._asked.forEach(({ use }) => use.look(false));

  private _begin(name: string, state: IState, use: IUse<T>): IAsked<T> {
    use.hold();
    const asked = { use, state, open: true, leave: use.subscribe(this._changed) };
    this._asked.set(name, asked);
    return asked;
  }

  /** The list is gone. */
  readonly end = (): void => {
    this._asked.forEach(({ use, leave }) => {
      leave();
      use.release();
    });
    this._asked.clear();
  };

  /** The details of each, as far as they are there. */
  get all(): ReadonlyMap<string, IDetail<T>> {
    return new Map(
      [...this._asked].map(([name, { use }]) => [
        name,
        { data: use.answer.data, error: use.answer.error ?? undefined }
      ])
    );
  }

  private readonly _asked = new Map<string, IAsked<T>>();
}

function follow<T>(
  { use, state, open }: IAsked<T>,
  next: IState,
  moving: (data: T) => boolean
): void {
  const { data, error } = use.answer;
  const again = next.at !== state.at && (error !== null || (data !== undefined && moving(data)));
  if (next.turn !== state.turn) {
    void use.refresh();
  } else if (!open || next.version !== state.version || again) {
    use.nudge();
  }
}

/**
 * What belongs under unfolded rows. It is asked for when a row is unfolded, when there is news of
 * it, when what the list knows of it changes, and when the panel is refreshed; not at every poll of
 * the list.
 */
export function useDetails<T>(
  rows: readonly IUnfolded[],
  fetch: (name: string) => Promise<T>,
  { at, moves, topics = [], key = ref => ref }: IDetailsOptions<T>
): ReadonlyMap<string, IDetail<T>> {
  const { answers } = useWorkbench();
  const visible = useVisible();
  const turn = useContext(RefreshContext);
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const [details] = useState(() => new Details<T>(answers, redraw));
  const latest = useRef(fetch);
  useEffect(() => {
    latest.current = fetch;
  });

  useEffect(() => {
    if (!visible) {
      return;
    }
    for (const { name, ref, version } of rows) {
      details.ask(
        name,
        { version, turn, at },
        () => details.begin(key(ref), () => latest.current(name), topics, ref),
        data => moves?.(data, name) ?? false
      );
    }
    details.fold(new Set(rows.map(({ name }) => name)));
    // `moves`, `key` and `topics` are written in place by the caller and are the same each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [details, visible, turn, at, JSON.stringify(rows)]);

  useEffect(() => (visible ? details.stop : undefined), [details, visible]);
  useEffect(() => details.end, [details]);

  return details.all;
}
