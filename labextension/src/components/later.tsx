import React, { useEffect, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { Lazy } from '../tokens';

/** What has been fetched, by the call that fetches it. */
const FETCHED = new WeakMap<object, unknown>();

interface ILaterProps<Props> {
  /** The same call each time. */
  load: Lazy<Props>;
  props: Props;
  /** Shown until it is there. */
  waiting?: React.ReactNode;
}

/**
 * A component whose code is fetched when it is first drawn. Unlike `React.lazy` it keeps no
 * failure: the card that shows it has a button, and drawn again it fetches the code again.
 */
export function Later<Props extends object>({
  load,
  props,
  waiting = null
}: ILaterProps<Props>): React.ReactNode {
  const [fault, setFault] = useState<ApiError | null>(null);
  const [, setFetched] = useState(false);
  useEffect(() => {
    if (FETCHED.has(load)) {
      return;
    }
    let gone = false;
    load().then(
      fetched => {
        FETCHED.set(load, fetched.default);
        if (!gone) {
          setFetched(true);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setFault(asApiError(reason));
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [load]);
  if (fault !== null) {
    throw fault; // the net around it says what it was
  }
  const Fetched = FETCHED.get(load) as React.ComponentType<Props> | undefined;
  return Fetched ? <Fetched {...props} /> : waiting;
}
