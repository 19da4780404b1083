import { useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import { useVisible } from './visible';

export interface IDetail<T> {
  data?: T;
  error?: ApiError;
}

/** What belongs under unfolded rows: each is fetched once, when it is first unfolded; `version` makes all of them old. */
export function useDetails<T>(
  names: readonly string[],
  fetch: (name: string) => Promise<T>,
  version: unknown = 0
): ReadonlyMap<string, IDetail<T>> {
  const visible = useVisible();
  const [known, setKnown] = useState<ReadonlyMap<string, IDetail<T>>>(new Map());
  const asked = useRef(new Map<string, unknown>());

  useEffect(() => {
    if (!visible) {
      return;
    }
    for (const name of names) {
      if (asked.current.has(name) && asked.current.get(name) === version) {
        continue;
      }
      asked.current.set(name, version);
      const keep = (detail: IDetail<T>): void => {
        if (asked.current.get(name) === version) {
          setKnown(before => new Map(before).set(name, detail));
        }
      };
      fetch(name).then(
        data => keep({ data }),
        (error: unknown) => {
          keep({ error: asApiError(error) });
          if (asked.current.get(name) === version) {
            asked.current.delete(name); // asked again when it is unfolded or shown again
          }
        }
      );
    }
    // `fetch` is written in place by the caller and asks the same question each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [names, version, visible]);
  return known;
}
