import { useCallback, useMemo } from 'react';

import type { IWorkbench } from '../tokens';
import { useWorkbench } from './context';
import { useUse } from './query';

interface IKept<T> {
  value: T | undefined;
}

const questionOf = (key: string): string => `memory:${key}`;

/** Keep a state, and change it wherever it is shown. */
export function keepIn({ answers, memory }: IWorkbench, key: string, value: unknown): void {
  answers.set(questionOf(key), { value });
  memory.write(key, value);
}

/**
 * A state that comes back after a reload, kept under `key` in JupyterLab's state database and the
 * same wherever it is shown; the third part says whether it has been read.
 */
export function useMemory<T>(
  key: string,
  initial: T
): [value: T, keep: (next: T) => void, loaded: boolean] {
  const workbench = useWorkbench();
  const { answers, memory } = workbench;
  const question = questionOf(key);
  const use = useMemo(
    () =>
      answers.use<IKept<T>>(question, async () => ({ value: await memory.read<T>(key) }), {
        every: () => null
      }),
    [answers, memory, question, key]
  );
  const { data } = useUse(use, true);
  const keep = useCallback((value: T) => keepIn(workbench, key, value), [workbench, key]);
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
