import { useState } from 'react';

import type { ApiError } from '../api/errors';
import type { IDataset, INamespace } from '../api/types';
import { useWorkbench } from '../hooks/context';
import { useDetails } from '../hooks/details';

/** Datasets of a namespace that are asked for at once. */
const CHUNK = 100;

/** What is known of the datasets of a namespace. */
export interface IInside {
  readonly datasets: readonly IDataset[];
  /** Whether more were asked for and are not there yet. */
  readonly reading: boolean;
  readonly error?: ApiError;
}

/**
 * The datasets of namespaces that are unfolded, the first hundred of each, and more on demand. at:
 * when the namespaces were answered; with each answer their datasets are asked for again.
 */
export function useInside(
  namespaces: readonly INamespace[],
  at: number
): { of: (name: string) => IInside; more: (name: string) => void } {
  const { client } = useWorkbench();
  const [grown, grow] = useState<Readonly<Record<string, number>>>({});
  const startsOf = (name: string): number[] =>
    Array.from({ length: grown[name] ?? 1 }, (_, part) => part * CHUNK);
  const rows = namespaces.flatMap(({ name, datasets }) =>
    startsOf(name).map(start => ({
      ref: `namespace:${name}#${start}`,
      name: JSON.stringify([name, start]),
      version: `${datasets} ${at}`
    }))
  );
  const details = useDetails<readonly IDataset[]>(
    rows,
    async key => {
      const [namespace, start] = JSON.parse(key) as [string, number];
      const cursor = start ? String(start) : undefined;
      return (await client.catalog.list({ namespace, limit: CHUNK, cursor })).items;
    },
    { at, key: ref => `datasets:${ref}` }
  );
  return {
    of: name => {
      const parts = startsOf(name).map(start => details.get(JSON.stringify([name, start])));
      return {
        datasets: parts.flatMap(part => part?.data ?? []),
        reading: parts.some(part => !part?.data && !part?.error),
        error: parts.find(part => part?.error)?.error
      };
    },
    more: name => grow({ ...grown, [name]: (grown[name] ?? 1) + 1 })
  };
}
