import { useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';

import type { IUse, IWish } from '../answers/answers';
import type { Fetch, IAnswer } from '../answers/question';
import { useWorkbench } from './context';
import { RefreshContext } from './refresh';
import { useVisible } from './visible';

export interface IQueryOptions<T> extends Omit<IWish<T>, 'about'> {
  /** Only news of these objects, and of what their pages show. */
  about?: string | readonly string[];
  /** False: nothing is asked. */
  when?: boolean;
  /**
   * The list that the question is about: with another page, order or filter of it, the rows of the
   * last one stay until the new ones come.
   */
  list?: string;
}

export interface IQuery<T> extends IAnswer<T> {
  /**
   * Whether the data answer the question before this one, of the same list, until this one is
   * answered.
   */
  readonly borrowed: boolean;
  refresh: () => Promise<void>;
  cancel: () => void;
}

/** The rows of a list that a component showed last. */
class Shown<T> {
  /** The answer, or the one to a like question until the first one of its own. */
  of(answer: IAnswer<T>, list: string | undefined): Omit<IQuery<T>, 'refresh' | 'cancel'> {
    const { data, error, at, cancelled } = answer;
    const last = this._last;
    if (data !== undefined || error || cancelled) {
      this._last = data === undefined ? undefined : { list, data, at };
    } else if (last && list !== undefined && last.list === list) {
      return { ...answer, data: last.data, at: last.at, borrowed: true };
    }
    return { ...answer, borrowed: false };
  }

  private _last: { list: string | undefined; data: T; at: number } | undefined;
}

/** Ask anew when the user refreshes the panel around. */
function useRefreshed(refresh: () => Promise<void>): void {
  const turn = useContext(RefreshContext);
  const drawn = useRef(turn);
  useEffect(() => {
    if (drawn.current !== turn) {
      drawn.current = turn;
      void refresh();
    }
  }, [refresh, turn]);
}

/** Want an answer as long as the component is there, and look at it while `active`. */
export function useUse<T>(use: IUse<T>, active: boolean): IAnswer<T> {
  useEffect(() => {
    use.hold();
    return () => use.release();
  }, [use]);
  useEffect(() => use.look(active), [use, active]);
  return useSyncExternalStore(use.subscribe, () => use.answer);
}

/**
 * Ask the server while the surrounding widget is in sight. Whoever asks the same shares the
 * request and its answer.
 *
 * key: what the question is; another key is another question, with an answer of its own. Only a
 * common `list` says that both are about the same object.
 */
export function useQuery<T>(
  key: string,
  fetch: Fetch<T>,
  { when = true, list, about, ...wish }: IQueryOptions<T> = {}
): IQuery<T> {
  const { answers } = useWorkbench();
  const visible = useVisible();
  const [shown] = useState(() => new Shown<T>());
  // The key stands for `fetch`, which callers write in place.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const use = useMemo(() => answers.use(key, fetch), [answers, key]);
  useEffect(() => use.wish({ ...wish, about: [about ?? []].flat() }));
  const answer = useUse(use, visible && when);
  useRefreshed(use.refresh);
  return useMemo(
    () => ({ ...shown.of(answer, list), refresh: use.refresh, cancel: use.cancel }),
    [shown, answer, list, use]
  );
}
