import { useCallback, useMemo } from 'react';

import { useWorkbench } from './context';
import { useUse } from './query';

interface IKept<T> {
  value: T | undefined;
}

/**
 * A state that comes back after a reload, kept under `key` in JupyterLab's state database and the
 * same wherever it is shown; the third part says whether it has been read.
 */
export function useMemory<T>(
  key: string,
  initial: T
): [value: T, keep: (next: T) => void, loaded: boolean] {
  const { answers, memory } = useWorkbench();
  const question = `memory:${key}`;
  const use = useMemo(
    () =>
      answers.use<IKept<T>>(question, async () => ({ value: await memory.read<T>(key) }), {
        every: () => null
      }),
    [answers, memory, question, key]
  );
  const { data } = useUse(use, true);
  const keep = useCallback(
    (value: T) => {
      answers.set(question, { value });
      memory.write(key, value);
    },
    [answers, memory, question, key]
  );
  return [data?.value ?? initial, keep, data !== undefined];
}

/** A set of names that comes back after a reload, with a switch for one of them. */
export function useMemorySet(
  key: string,
  initial: readonly string[] = []
): [ReadonlySet<string>, (name: string) => void] {
  const [names, setNames] = useMemory<readonly string[]>(key, initial);
  const toggle = useCallback(
    (name: string) =>
      setNames(names.includes(name) ? names.filter(other => other !== name) : [...names, name]),
    [names, setNames]
  );
  return [new Set(names), toggle];
}
