import { useContext, useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { Topic } from '../api/events';
import { useWorkbench } from './context';
import { concerns } from './query';
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
export const unfolded = (items: readonly Omit<IUnfolded, 'version'>[], open: ReadonlySet<string>): IUnfolded[] =>
  items
    .filter(({ ref }) => open.has(ref))
    .map(item => ({ ref: item.ref, name: item.name, version: JSON.stringify(item) }));

interface IAsked {
  version: string;
  at: number;
}

interface IDetailsOptions<T> {
  /** When the list was answered: with each answer of it those are asked for again that failed, or that `moves` names. */
  at: number;
  /** Whether details change without the list showing it. */
  moves?: (data: T) => boolean;
  /** News of a row that makes its details old. */
  topics?: readonly Topic[];
}

/** How often there was news of each of these objects. */
function useNews(refs: readonly string[], topics: readonly Topic[]): ReadonlyMap<string, number> {
  const { events } = useWorkbench();
  const [news, setNews] = useState<ReadonlyMap<string, number>>(new Map());
  const [heard, wanted] = [topics.join(' '), refs.join(' ')];
  useEffect(() => {
    if (!heard || !wanted) {
      return;
    }
    const listening = events.listen(heard.split(' ') as Topic[], event => {
      const found = wanted.split(' ').filter(ref => concerns(event.ref, [ref]));
      if (found.length) {
        setNews(before => new Map([...before, ...found.map(ref => [ref, (before.get(ref) ?? 0) + 1] as const)]));
      }
    });
    return () => listening.dispose();
  }, [events, heard, wanted]);
  return news;
}

/**
 * What belongs under unfolded rows. It is asked for when a row is unfolded, when there is news of it, when what the list knows of it
 * changes, and when the panel is refreshed; not at every poll of the list.
 */
export function useDetails<T>(
  rows: readonly IUnfolded[],
  fetch: (name: string) => Promise<T>,
  { at, moves, topics = [] }: IDetailsOptions<T>
): ReadonlyMap<string, IDetail<T>> {
  const visible = useVisible();
  const turn = useContext(RefreshContext);
  const [known, setKnown] = useState<ReadonlyMap<string, IDetail<T>>>(new Map());
  const asked = useRef(new Map<string, IAsked>());
  const news = useNews(
    rows.map(({ ref }) => ref),
    topics
  );
  const wanted = rows.map(({ ref, name, version }): [string, IAsked] => [
    name,
    { version: `${turn} ${news.get(ref) ?? 0} ${version}`, at }
  ]);

  useEffect(() => {
    if (!visible) {
      return;
    }
    for (const [name, question] of wanted) {
      const last = asked.current.get(name);
      const detail = known.get(name);
      const again = detail?.error !== undefined || (detail?.data !== undefined && moves?.(detail.data));
      if (last?.version === question.version && !(again && last.at !== at)) {
        continue;
      }
      asked.current.set(name, question);
      const keep = (found: IDetail<T>): void => {
        if (asked.current.get(name) === question) {
          setKnown(before => new Map(before).set(name, { data: before.get(name)?.data, ...found }));
        }
      };
      fetch(name).then(
        data => keep({ data }),
        (error: unknown) => keep({ error: asApiError(error) })
      );
    }
    // `fetch` is written in place by the caller and asks the same question each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [JSON.stringify(wanted), visible]);
  return known;
}
