import React, { useMemo } from 'react';

import type { IDataset, IEdge } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Graph, type IGraphNode } from '../components/graph';
import { iconOf } from '../components/kinds';
import type { ILink } from '../components/layout';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { kindOf, nameOf, parseRef } from '../refs';

const MOST = 200;

/** What the dataset was made from, and what was made from it. */
export function Lineage({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(`lineage:${dataset.ref}`, signal => client.catalog.lineage(dataset.name, signal), {
    topics: ['dataset', 'run', 'model', 'deployment']
  });
  return (
    <Result query={query}>
      {edges =>
        edges.length ? (
          <LineageGraph dataset={dataset} edges={edges} />
        ) : (
          <EmptyCard
            sentence={trans.__(
              'Lineage shows what a dataset was made from and what was made from it. Nothing is known of this one yet.'
            )}
            code="%catalog ingest data/*.parquet"
          />
        )
      }
    </Result>
  );
}

interface IDrawn {
  nodes: IGraphNode[];
  links: ILink[];
  left: number;
}

/** One node for each object and each doing; versions of an object are one node. */
export function drawn(edges: readonly IEdge[], current: string): IDrawn {
  const nodes = new Map<string, IGraphNode>();
  const links = new Map<string, ILink>();
  const bare = (ref: string): string => ref.split('@')[0] ?? ref;
  const add = (id: string, node: IGraphNode): void => {
    if (!nodes.has(id)) {
      nodes.set(id, node);
    }
  };
  const link = (from: string, to: string): void => void links.set(`${from} ${to}`, { from, to });
  for (const { input, output, job, at } of edges) {
    const doing = `job ${job}`;
    add(bare(input), objectNode(input, current));
    add(bare(output), objectNode(output, current));
    add(doing, {
      id: doing,
      icon: 'notebook',
      title: nameOf(job),
      note: format.time(at),
      ref: parseRef(job) ? job : undefined
    });
    link(bare(input), doing);
    link(doing, bare(output));
  }
  const kept = new Set([...nodes.keys()].slice(0, MOST));
  return {
    nodes: [...nodes.values()].filter(node => kept.has(node.id)),
    links: [...links.values()].filter(({ from, to }) => kept.has(from) && kept.has(to)),
    left: nodes.size - kept.size
  };
}

function objectNode(reference: string, current: string): IGraphNode {
  const parsed = parseRef(reference);
  const id = reference.split('@')[0] ?? reference;
  if (!parsed) {
    return { id, icon: 'file', title: id.split('/').pop() ?? id, note: id };
  }
  return {
    id,
    ref: parsed.kind === 'file' ? undefined : id,
    icon: iconOf(kindOf(reference)),
    title: parsed.name,
    note: parsed.at ? `@${format.shortId(parsed.at)}` : parsed.kind,
    current: id === current
  };
}

function LineageGraph({ dataset, edges }: { dataset: IDataset; edges: readonly IEdge[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const { nodes, links, left } = useMemo(() => drawn(edges, dataset.ref), [edges, dataset.ref]);
  return (
    <div className={cx('scroll')}>
      <Graph label={trans.__('Lineage of %1', dataset.name)} nodes={nodes} links={links} />
      {left > 0 && (
        <p className={cx('more')}>{trans._n('%1 more node is not drawn', '%1 more nodes are not drawn', left)}</p>
      )}
    </div>
  );
}
