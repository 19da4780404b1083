import { useContext, useEffect, useReducer, useRef, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Topic } from '../api/events';
import { useWorkbench } from './context';
import { concerns, Poller } from './query';
import { RefreshContext } from './refresh';
import { useVisible } from './visible';

export interface IDetail<T> {
  data?: T;
  error?: ApiError;
}

/** A row whose details are wanted. */
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

interface IDetailsOptions<T> {
  /**
   * When the list was answered: with each answer of it those are asked for again that failed, or
   * that `moves` names.
   */
  at: number;
  /** Whether the details of this name change without the list showing it. */
  moves?: (data: T, name: string) => boolean;
  /** News of a row that makes its details old. */
  topics?: readonly Topic[];
}

/** What the details of a row were last asked for with. */
interface IQuestion {
  version: string;
  turn: number;
  at: number;
}

interface IAsked<T> {
  poller: Poller<T>;
  question: IQuestion;
  /** Whether the row is unfolded. */
  open: boolean;
}

/**
 * The details of rows that are or were unfolded: what is asked for already is not dropped, and
 * answers keep their pace.
 */
class Details<T> {
  constructor(private readonly _changed: () => void) {}

  /**
   * Ask for what is new of a row that is unfolded. moving: whether its details change without the
   * list showing it.
   */
  ask(
    name: string,
    question: IQuestion,
    fetch: () => Promise<T>,
    moving: (data: T) => boolean
  ): void {
    const known = this._asked.get(name);
    const poller = known?.poller ?? new Poller(fetch, () => null);
    if (known) {
      follow(known, question, moving);
    } else {
      poller.subscribe(this._changed);
    }
    this._asked.set(name, { poller, question, open: true });
    poller.start();
  }

  /** Of rows that are folded nothing is asked. */
  fold(unfolded: ReadonlySet<string>): void {
    for (const [name, known] of this._asked) {
      if (!unfolded.has(name)) {
        known.open = false;
        known.poller.stop();
      }
    }
  }

  nudge(name: string): void {
    this._asked.get(name)?.poller.nudge();
  }

  readonly stop = (): void => this._asked.forEach(({ poller }) => poller.stop());

  /** What is known of each. */
  get known(): ReadonlyMap<string, IDetail<T>> {
    return new Map(
      [...this._asked].map(([name, { poller }]) => [
        name,
        { data: poller.answer.data, error: poller.answer.error ?? undefined }
      ])
    );
  }

  private readonly _asked = new Map<string, IAsked<T>>();
}

function follow<T>(
  { poller, question, open }: IAsked<T>,
  next: IQuestion,
  moving: (data: T) => boolean
): void {
  const { data, error } = poller.answer;
  const again = next.at !== question.at && (error !== null || (data !== undefined && moving(data)));
  if (next.turn !== question.turn) {
    void poller.refresh();
  } else if (!open || next.version !== question.version || again) {
    poller.nudge();
  }
}

/** Ask again when there is news of a row that is unfolded. */
function useNews<T>(
  details: Details<T>,
  rows: readonly IUnfolded[],
  topics: readonly Topic[]
): void {
  const { events } = useWorkbench();
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  });
  const heard = topics.join(' ');
  useEffect(() => {
    if (!heard) {
      return;
    }
    const listening = events.listen(heard.split(' ') as Topic[], event => {
      for (const { ref, name } of latest.current) {
        if (concerns(event.ref, [ref])) {
          details.nudge(name);
        }
      }
    });
    return () => listening.dispose();
  }, [events, details, heard]);
}

/**
 * What belongs under unfolded rows. It is asked for when a row is unfolded, when there is news of
 * it, when what the list knows of it changes, and when the panel is refreshed; not at every poll of
 * the list.
 */
export function useDetails<T>(
  rows: readonly IUnfolded[],
  fetch: (name: string) => Promise<T>,
  { at, moves, topics = [] }: IDetailsOptions<T>
): ReadonlyMap<string, IDetail<T>> {
  const visible = useVisible();
  const turn = useContext(RefreshContext);
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const [details] = useState(() => new Details<T>(redraw));
  const latest = useRef(fetch);
  useEffect(() => {
    latest.current = fetch;
  });
  useNews(details, rows, topics);

  useEffect(() => {
    if (!visible) {
      return;
    }
    for (const { name, version } of rows) {
      details.ask(
        name,
        { version, turn, at },
        () => latest.current(name),
        data => moves?.(data, name) ?? false
      );
    }
    details.fold(new Set(rows.map(({ name }) => name)));
    // `moves` is written in place by the caller and asks the same each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [details, visible, turn, at, JSON.stringify(rows)]);

  useEffect(() => (visible ? details.stop : undefined), [details, visible]);

  return details.known;
}
