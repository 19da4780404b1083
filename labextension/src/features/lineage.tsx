import React from 'react';

import type { IView } from '../api/types';
import { LineageGraph } from '../catalog/lineage';
import { EmptyCard, Result } from '../components/card';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

/** What a view was made from, and what was made from it. */
export function ViewLineage({ view }: { view: IView }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `lineage:${view.ref}`,
    signal => client.features.lineage(view.name, signal),
    { topics: ['view', 'dataset', 'run', 'model'] }
  );
  return (
    <Result query={query}>
      {page =>
        page.items.length ? (
          <LineageGraph
            reference={view.ref}
            name={view.name}
            edges={page.items}
            further={page.total - page.shown}
          />
        ) : (
          <EmptyCard
            sentence={trans.__(
              'Lineage shows what a view was made from and what was made from it. There is no record of this one yet.'
            )}
            code="mlinfra features apply"
          />
        )
      }
    </Result>
  );
}
