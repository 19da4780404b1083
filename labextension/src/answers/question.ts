import { type ApiError, asApiError } from '../api/errors';

/** The state of an answer; the last good data stays when a later request fails. */
export interface IAnswer<T> {
  readonly data: T | undefined;
  readonly error: ApiError | null;
  /** Whether a request is under way. */
  readonly loading: boolean;
  /** When the data came, in milliseconds; 0 before the first answer. */
  readonly at: number;
  /** Whether the user gave the request up; nothing is asked until `refresh`. */
  readonly cancelled: boolean;
}

export type Fetch<T> = (signal: AbortSignal) => Promise<T>;

/** Milliseconds until the next request; null: only at a `refresh` or `nudge`. */
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
  cancelled: false
};

/**
 * One question that is asked again and again while someone looks: after news, after a while, and
 * later and later after errors.
 */
export class Question<T> {
  constructor(
    private readonly _fetch: Fetch<T>,
    private readonly _every: Every<T>,
    /** Whether an error of this code stays true until there is news. */
    private readonly _final: (code: string) => boolean = () => false
  ) {}

  get answer(): IAnswer<T> {
    return this._answer;
  }

  subscribe = (changed: () => void): (() => void) => {
    this._listeners.add(changed);
    return () => this._listeners.delete(changed);
  };

  /** Begin; asks at once unless the last answer is still fresh. */
  start(): void {
    if (this._running) {
      this._joined();
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

  /**
   * One more begins to look: an error is no answer for it, and it may want the next one sooner.
   */
  private _joined(): void {
    if (this._request || this._answer.cancelled || this._isFinal()) {
      return;
    }
    if (this._answer.error) {
      void this.refresh();
    } else if (!this._nudged) {
      const wait = this._delay();
      this._schedule(wait === null ? null : Math.max(0, this._answer.at + wait - Date.now()));
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
        this._set({ data, error: null, loading: false, at: Date.now() });
      }
    } catch (error) {
      if (this._request === request) {
        this._failures += 1;
        this._set({ error: asApiError(error), loading: false });
        this._stale &&= !this._isFinal();
      }
    }
    if (this._request === request) {
      this._request = null;
      this._schedule(this._delay());
    }
  };

  /** Take an answer in that is newer than what a request under way would bring. */
  set(data: T): void {
    this._request?.abort();
    this._request = null;
    this._failures = 0;
    this._stale = false;
    this._set({ data, error: null, loading: false, at: Date.now(), cancelled: false });
    this._schedule(this._running ? this._delay() : null);
  }

  /** Give the request up that is under way; the last data stays. */
  cancel = (): void => {
    this._schedule(null);
    this._request?.abort();
    this._request = null;
    this._stale = true;
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
    const { error } = this._answer;
    return error !== null && this._final(error.code);
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
