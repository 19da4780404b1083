import { useEffect, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Code } from '../api/types';
import { codeKey, type CodeOf } from '../code/snippets';
import { useWorkbench } from './context';
import { useQuery } from './query';

/** Milliseconds after the last letter until a form asks. */
const PAUSE = 150;

interface IShownCode {
  /** Undefined before the first answer. */
  code: Code | undefined;
  /** Whether the code is that of something before: its fields have changed since. */
  late: boolean;
  /** Why there is no code; null once there is. */
  error: ApiError | null;
  /** Ask once more. */
  retry: () => void;
}

/**
 * The code of objects or of a call, by every door; nothing is asked for null. While fields change,
 * the last one stays.
 */
export function useCode(of: CodeOf | null): IShownCode {
  const { client } = useWorkbench();
  const key = codeKey(of ?? []);
  const [settled, settle] = useState({ key, of });
  useEffect(() => {
    const timer = setTimeout(() => settle({ key, of }), PAUSE);
    return () => clearTimeout(timer);
    // The key stands for what it is of, which callers write in place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  const { data, error, borrowed, refresh } = useQuery(
    settled.key,
    signal => client.code(settled.of ?? [], signal),
    { every: () => null, list: 'code', when: settled.of !== null }
  );
  const late = borrowed || data === undefined || settled.key !== key;
  const retry = (): void => void refresh();
  return of === null
    ? { code: undefined, late: false, error: null, retry }
    : { code: data, late, error: late && settled.key === key ? error : null, retry };
}
