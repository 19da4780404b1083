import React, { useMemo } from 'react';

import type { IDatasetDetail, IGridQuery } from '../../api/types';
import { useWorkbench } from '../../hooks/context';
import { useMemory } from '../../hooks/memory';
import { useRevealed } from '../page/revealed';
import { Explorer } from './explorer';
import { isPlain, PLAIN } from './query';
import { useShownCode } from './shown';
import type { IGridSource } from './source';

interface IPreviewProps {
  detail: Pick<IDatasetDetail, 'dataset' | 'schema'>;
  /** Whether the field for the number of a row is shown at once. */
  going: boolean;
  /** Whether a column is opened at once, to sort and filter by it. */
  filtering: boolean;
}

/** The rows of a dataset's newest snapshot, or the first ones of a domain's table. */
export function Preview({ detail, going, filtering }: IPreviewProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { dataset, schema } = detail;
  const { ref, name, snapshot, updated_at, domain } = dataset;
  const [query, setQuery] = useMemory<IGridQuery>(`grid:${name}`, PLAIN);
  const reveal = useRevealed();
  const show = useShownCode();
  const source = useMemo<IGridSource>(
    () => ({
      // a table of a domain has no snapshots
      id: `${ref}@${snapshot ?? updated_at}${reveal ? ' revealed' : ''}`,
      name,
      columns: schema,
      rows: async (asked, start, count, signal) =>
        client.catalog.grid(
          name,
          asked,
          { start, count, snapshot, reveal: reveal || undefined },
          signal
        ),
      shape: async (asked, column, signal) =>
        client.catalog.gridShape(
          name,
          asked,
          { column, snapshot, reveal: reveal || undefined },
          signal
        )
    }),
    [client, ref, name, snapshot, updated_at, schema, reveal]
  );
  const note =
    domain && isPlain(query)
      ? trans.__('only the first rows; SQL, filters and groups read all of them')
      : undefined;
  const shown = useMemo(() => ({ ...source, note }), [source, note]);
  return (
    <Explorer
      source={shown}
      query={query}
      onQuery={setQuery}
      going={going}
      filtering={filtering}
      onShown={show}
    />
  );
}
