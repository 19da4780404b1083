import React, { useMemo } from 'react';

import type { IDataset, IEdge } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Graph, type IGraphNode } from '../components/graph';
import type { ILink } from '../components/layout';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { kinds } from '../kinds';
import { nameOfSeen } from '../names';
import { kindOf, nameOf, parseRef, short } from '../refs';

const MOST = 200;

/** What the dataset was made from, and what was made from it. */
export function Lineage({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `lineage:${dataset.ref}`,
    signal => client.catalog.lineage(dataset.name, signal),
    {
      topics: ['dataset', 'run', 'model', 'deployment']
    }
  );
  return (
    <Result query={query}>
      {page =>
        page.items.length ? (
          <LineageGraph dataset={dataset} edges={page.items} further={page.total - page.shown} />
        ) : (
          <EmptyCard
            sentence={trans.__(
              'Lineage shows what a dataset was made from and what was made from it. There is no record of this one yet.'
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

const bare = (reference: string): string => reference.split('@')[0] ?? reference;

interface IDoing {
  job: string;
  at: string;
  inputs: ReadonlySet<string>;
  outputs: ReadonlySet<string>;
}

/**
 * What was done: edges of one moment and job belong together; of doings that made the same, the
 * newest counts.
 */
function doingsOf(edges: readonly IEdge[]): IDoing[] {
  const byMoment = new Map<string, IDoing>();
  for (const { job, at, input, output } of edges) {
    const key = `${job} ${at}`;
    const step = byMoment.get(key) ?? { job, at, inputs: new Set(), outputs: new Set() };
    byMoment.set(key, {
      ...step,
      inputs: new Set([...step.inputs, input]),
      outputs: new Set([...step.outputs, output])
    });
  }
  const newest = new Map<string, IDoing>();
  for (const doing of [...byMoment.values()].sort((a, b) => a.at.localeCompare(b.at))) {
    newest.set(`${doing.job} ${[...doing.outputs].map(bare).sort().join(' ')}`, doing);
  }
  return [...newest.values()];
}

/** A graph of objects and doings; versions of an object are one node. */
export function drawn(edges: readonly IEdge[], current: string): IDrawn {
  const nodes = new Map<string, IGraphNode>();
  const links: ILink[] = [];
  const add = (node: IGraphNode): string => {
    if (!nodes.has(node.id)) {
      nodes.set(node.id, node);
    }
    return node.id;
  };
  doingsOf(edges).forEach(({ job, at, inputs, outputs }, index) => {
    const doing = add({
      id: `doing ${index}`,
      icon: 'notebook',
      title: nameOf(job),
      note: format.time(at),
      ref: parseRef(job) ? job : undefined
    });
    inputs.forEach(input => links.push({ from: add(objectNode(input, current)), to: doing }));
    outputs.forEach(output => links.push({ from: doing, to: add(objectNode(output, current)) }));
  });
  const kept = new Set([...nodes.keys()].slice(0, MOST));
  return {
    nodes: [...nodes.values()].filter(node => kept.has(node.id)),
    links: links.filter(({ from, to }) => kept.has(from) && kept.has(to)),
    left: nodes.size - kept.size
  };
}

const isNamed = (reference: string): boolean =>
  kinds.get(kindOf(reference))?.describe !== undefined;

function objectNode(reference: string, current: string): IGraphNode {
  const parsed = parseRef(reference);
  const id = bare(reference);
  if (!parsed || parsed.kind === 'file') {
    return { id, icon: 'file', title: id.split('/').pop() ?? id, note: id };
  }
  const { kind, name, at } = parsed;
  const [before, ...rest] = name.split('.');
  const inNamespace = kind === 'dataset' && rest.length > 0;
  return {
    id,
    ref: id,
    icon: kinds.icon(kind),
    title: inNamespace ? rest.join('.') : short(name),
    note: [inNamespace ? before : kind, at && `@${format.shortId(at)}`].filter(Boolean).join(' '),
    current: id === current
  };
}

function LineageGraph({
  dataset,
  edges,
  further
}: {
  dataset: IDataset;
  edges: readonly IEdge[];
  further: number;
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { nodes, links, left } = useMemo(() => drawn(edges, dataset.ref), [edges, dataset.ref]);
  const refs = nodes.flatMap(({ ref }) => (ref !== undefined && isNamed(ref) ? [ref] : []));
  const { data: names } = useQuery(
    `names:${refs.join(' ')}`,
    signal => workbench.client.names(refs, signal), // one request, however many nodes
    {
      every: () => null,
      topics: ['job', 'run'],
      about: refs,
      list: `names:${dataset.ref}`, // those that are known stay while more are asked for
      when: refs.length > 0
    }
  );
  const named = useMemo(
    () =>
      nodes.map(node =>
        node.ref !== undefined && isNamed(node.ref)
          ? { ...node, title: names?.[node.ref] ?? nameOfSeen(workbench, node.ref) }
          : node
      ),
    [nodes, names, workbench]
  );
  return (
    <div className={cx('scroll')}>
      <Graph label={trans.__('Lineage of %1', dataset.name)} nodes={named} links={links} />
      {left > 0 && (
        <p className={cx('more')}>
          {trans._n('%1 more node is not drawn', '%1 more nodes are not drawn', left)}
        </p>
      )}
      {further > 0 && (
        <p className={cx('more')}>
          {trans._n('%1 more link lies further away', '%1 more links lie further away', further)}
        </p>
      )}
    </div>
  );
}
