import { useCallback, useEffect, useState } from 'react';

import { useWorkbench } from './context';

/**
 * A state that comes back after a reload, kept under `key` in JupyterLab's state database; the
 * third part says whether it has been read.
 */
export function useMemory<T>(
  key: string,
  initial: T
): [value: T, keep: (next: T) => void, known: boolean] {
  const { memory } = useWorkbench();
  const [value, setValue] = useState(initial);
  const [known, setKnown] = useState(false);

  useEffect(() => {
    let current = true;
    void memory.read<T>(key).then(kept => {
      if (current) {
        setKnown(true);
        setValue(before => kept ?? before);
      }
    });
    return () => {
      current = false;
    };
  }, [memory, key]);

  const keep = useCallback(
    (next: T) => {
      setValue(next);
      memory.write(key, next);
    },
    [memory, key]
  );
  return [value, keep, known];
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
