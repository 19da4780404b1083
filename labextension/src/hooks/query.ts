import {
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore
} from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { Topic } from '../api/events';
import { pageOf } from '../refs';
import { useWorkbench } from './context';
import { RefreshContext } from './refresh';
import { useVisible } from './visible';

/** What is known of an answer; the last good data stays when a later request fails. */
export interface IAnswer<T> {
  readonly data: T | undefined;
  readonly error: ApiError | null;
  /** Whether a request is under way. */
  readonly loading: boolean;
  /** When the data came, in milliseconds; 0 before the first answer. */
  readonly at: number;
  /**
   * Whether the data answer the question before this one, of the same list, until this one is
   * answered.
   */
  readonly borrowed: boolean;
  /** Whether the user gave the request up; nothing is asked until told. */
  readonly cancelled: boolean;
}

export type Fetch<T> = (signal: AbortSignal) => Promise<T>;

/** Milliseconds until the next request; null: only when told. */
export type Every<T> = (data: T | undefined) => number | null;

const SLOWEST = 60_000;
/** Events within so many milliseconds are answered by one request. */
const BURST = 150;
/** While events keep coming, an answer stands for so many milliseconds. */
const PACE = 500;
const NOTHING: IAnswer<never> = {
  data: undefined,
  error: null,
  loading: false,
  at: 0,
  borrowed: false,
  cancelled: false
};

/**
 * One question that is asked again and again while someone looks: after news, after a while, and
 * later and later after errors.
 */
export class Poller<T> {
  constructor(
    private readonly _fetch: Fetch<T>,
    private readonly _every: Every<T>,
    private readonly _final: readonly string[] = []
  ) {}

  get answer(): IAnswer<T> {
    return this._answer;
  }

  /** Show the answer to a like question until the first one of its own. */
  borrow({ data, at }: Pick<IAnswer<T>, 'data' | 'at'>): void {
    if (data !== undefined) {
      this._answer = { ...NOTHING, data, at, borrowed: true };
      this._stale = true;
    }
  }

  subscribe = (changed: () => void): (() => void) => {
    this._listeners.add(changed);
    return () => this._listeners.delete(changed);
  };

  /** Begin; asks at once unless the last answer is still fresh. */
  start(): void {
    if (this._running) {
      return;
    }
    this._running = true;
    if (this._isFinal() && !this._stale) {
      return;
    }
    const wait = this._delay();
    const age = Date.now() - this._answer.at;
    if (this._answer.at && !this._stale && (wait === null || age < wait)) {
      this._schedule(wait === null ? null : wait - age);
    } else {
      void this.refresh();
    }
  }

  /** Stop asking; the request under way is dropped. */
  stop(): void {
    this._running = false;
    this._schedule(null);
    this._request?.abort();
    this._request = null;
    if (this._answer.loading || this._nudged) {
      this._stale = true;
    }
    if (this._answer.loading) {
      this._set({ loading: false });
    }
  }

  /** Ask now, or when next started. */
  refresh = async (): Promise<void> => {
    if (!this._running) {
      this._stale = true;
      return;
    }
    this._schedule(null);
    this._request?.abort();
    this._nudged = false;
    const request = (this._request = new AbortController());
    this._set({ loading: true, cancelled: false });
    try {
      const data = await this._fetch(request.signal);
      if (this._request === request) {
        this._failures = 0;
        this._stale = false;
        this._set({ data, error: null, loading: false, at: Date.now(), borrowed: false });
      }
    } catch (error) {
      if (this._request === request) {
        this._failures += 1;
        this._giveBack();
        this._set({ error: asApiError(error), loading: false });
        this._stale &&= !this._isFinal();
      }
    }
    if (this._request === request) {
      this._request = null;
      this._schedule(this._delay());
    }
  };

  /** Give the request up that is under way; what was known stays. */
  cancel = (): void => {
    this._schedule(null);
    this._request?.abort();
    this._request = null;
    this._stale = true;
    this._giveBack();
    this._set({ loading: false, cancelled: true });
  };

  /**
   * News came: ask soon, once for a burst of events. Events that never pause do not put the request
   * off.
   */
  nudge = (): void => {
    const due = this._nudged;
    this._nudged = true;
    if (!this._running || this._answer.cancelled) {
      this._stale = true;
    } else if (!this._request && !due) {
      this._schedule(this._soon());
    }
  };

  private _soon(): number {
    return Math.max(BURST, this._answer.at + PACE - Date.now());
  }

  /** An answer to another question stands only while this one is under way. */
  private _giveBack(): void {
    if (this._answer.borrowed) {
      this._answer = NOTHING;
    }
  }

  private _delay(): number | null {
    if (this._nudged) {
      return this._soon(); // news came while the answer was on its way
    }
    if (this._isFinal()) {
      return null;
    }
    const every = this._every(this._answer.data);
    if (this._failures === 0) {
      return every;
    }
    return Math.min(SLOWEST, Math.max(every ?? 5_000, 2_000) * 2 ** (this._failures - 1));
  }

  private _isFinal(): boolean {
    return this._final.includes(this._answer.error?.code ?? '');
  }

  private _schedule(wait: number | null): void {
    clearTimeout(this._timer);
    if (wait !== null && this._running) {
      this._timer = setTimeout(() => void this.refresh(), wait);
    }
  }

  private _set(change: Partial<IAnswer<T>>): void {
    this._answer = { ...this._answer, ...change };
    for (const listener of this._listeners) {
      listener();
    }
  }

  private _answer: IAnswer<T> = NOTHING;
  private _failures = 0;
  private _nudged = false;
  private _listeners = new Set<() => void>();
  private _request: AbortController | null = null;
  private _running = false;
  private _stale = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

export interface IQueryOptions<T> {
  /**
   * Milliseconds between two requests while in sight. Default 15 s: a safety net under the events.
   */
  every?: Every<T>;
  /** News that makes the answer old. */
  topics?: readonly Topic[];
  /**
   * Only news of these objects, and of what their pages show: the steps of a pipeline, the versions
   * of a model.
   */
  about?: string | readonly string[];
  /** False: nothing is asked. */
  when?: boolean;
  /**
   * The list that the question is about: with another page, order or filter of it, the rows of the
   * last one stay until the new ones come.
   */
  list?: string;
  /** Codes of errors that stay true until there is news: nothing is asked after them. */
  final?: readonly string[];
}

export interface IQuery<T> extends IAnswer<T> {
  refresh: () => Promise<void>;
  cancel: () => void;
}

/** The questions of one component, one after the other. */
class Questions<T> {
  next(poller: Poller<T>, list: string | undefined): Poller<T> {
    if (this._last && list !== undefined && list === this._list) {
      poller.borrow(this._last.answer);
    }
    this._list = list;
    this._last = poller;
    return poller;
  }

  private _list: string | undefined;
  private _last: Poller<T> | undefined;
}

const IDLE = 15_000;
const idle = (): number => IDLE;

/** A run or a job by the beginning of its id, as a link may have it. */
const SHORT = /^(run|job):[0-9a-f]{4,}$/;

/** Whether news of an object concerns a page about `about`. */
export const concerns = (ref: string, about: readonly string[]): boolean =>
  about.some(one => ref === one || pageOf(ref) === one || (SHORT.test(one) && ref.startsWith(one)));

/**
 * Ask the server while the surrounding widget is in sight.
 *
 * key: what the question is; another key is another question, with an answer of its own. Only a
 * common `list` says that both are about the same object.
 */
export function useQuery<T>(
  key: string,
  fetch: Fetch<T>,
  options: IQueryOptions<T> = {}
): IQuery<T> {
  const { every = idle, topics, about, when = true, list, final } = options;
  const { events } = useWorkbench();
  const visible = useVisible();
  const [questions] = useState(() => new Questions<T>());
  // The key stands for `fetch`, `every` and `final`, which callers write in place.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const poller = useMemo(() => questions.next(new Poller(fetch, every, final), list), [key]);
  const answer = useSyncExternalStore(
    poller.subscribe,
    useCallback(() => poller.answer, [poller])
  );
  const active = visible && when;

  useEffect(() => {
    if (!active) {
      return;
    }
    poller.start();
    return () => poller.stop();
  }, [poller, active]);

  const turn = useContext(RefreshContext);
  const drawn = useRef(turn);
  useEffect(() => {
    if (drawn.current !== turn) {
      drawn.current = turn;
      void poller.refresh();
    }
  }, [poller, turn]);

  const heard = topics?.join(' ') ?? '';
  const wanted = [about ?? []].flat().join(' ');
  useEffect(() => {
    if (!heard) {
      return;
    }
    const objects = wanted ? wanted.split(' ') : null;
    const listening = events.listen(heard.split(' ') as Topic[], ({ ref }) => {
      if (!objects || concerns(ref, objects)) {
        poller.nudge();
      }
    });
    return () => listening.dispose();
  }, [events, poller, heard, wanted]);

  return useMemo(
    () => ({ ...answer, refresh: poller.refresh, cancel: poller.cancel }),
    [answer, poller]
  );
}
