import React, { useMemo, useState } from 'react';

import type { IColumn, IDataset, IEdge } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Graph, type IGraphNode } from '../components/graph';
import type { ILink } from '../components/layout';
import { Select } from '../components/select';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { kinds } from '../kinds';
import { nameOfSeen } from '../names';
import { cellOf } from '../notebook/writer';
import { kindOf, nameOf, parseRef, short } from '../refs';

const MOST = 200;

interface ILineageProps {
  dataset: IDataset;
  columns?: readonly Pick<IColumn, 'name'>[];
}

/** What the dataset, or one column of it, was made from, and what was made from it. */
export function Lineage({ dataset, columns = [] }: ILineageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [column, setColumn] = useState('');
  const [find, setFind] = useState('');
  const query = useQuery(
    `lineage:${dataset.ref} ${column}`,
    signal => client.catalog.lineage(dataset.name, column, signal),
    {
      topics: ['dataset', 'run', 'model', 'deployment']
    }
  );
  return (
    <>
      <div className={cx('bar')}>
        <Select
          label={trans.__('column')}
          value={column}
          options={[
            { value: '', label: trans.__('all') },
            ...columns.map(({ name }) => ({ value: name, label: name }))
          ]}
          onChange={setColumn}
        />
        <Field
          label={trans.__('find')}
          value={find}
          placeholder={trans.__('an object or a column')}
          width={180}
          onChange={setFind}
        />
      </div>
      <Result query={query}>
        {page =>
          page.items.length ? (
            <LineageGraph
              reference={dataset.ref}
              name={dataset.name}
              edges={page.items}
              further={page.total - page.shown}
              find={find}
            />
          ) : (
            <EmptyCard
              sentence={
                column
                  ? trans.__('There is no record of what %1 was made from.', column)
                  : trans.__(
                      'Lineage shows what a dataset was made from and what was made from it. There is no record of this one yet.'
                    )
              }
              code="%catalog ingest data/*.parquet"
            />
          )
        }
      </Result>
    </>
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

/** The columns that edges tell, by object. */
function columnsOf(edges: readonly IEdge[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const add = (reference: string, column: string): void => {
    const id = bare(reference);
    found.set(id, (found.get(id) ?? new Set()).add(column));
  };
  for (const { input, output, columns } of edges) {
    for (const [from, to] of columns) {
      add(input, from);
      add(output, to);
    }
  }
  return found;
}

/**
 * A graph of objects and doings; versions of an object are one node. Those that `find` names, also by
 * a column, are marked, and drawn whatever is left out.
 */
export function drawn(edges: readonly IEdge[], current: string, find = ''): IDrawn {
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
      ...doer(job),
      note: [VERB.exec(job)?.[1], format.time(at)].filter(Boolean).join(' ')
    });
    inputs.forEach(input => links.push({ from: add(objectNode(input, current)), to: doing }));
    outputs.forEach(output => links.push({ from: doing, to: add(objectNode(output, current)) }));
  });
  const columns = columnsOf(edges);
  const word = find.trim().toLowerCase();
  const isFound = ({ id, title, note, ref, cell }: IGraphNode): boolean =>
    word !== '' &&
    [title, note, ref, cell?.path, ...(columns.get(id) ?? [])].some(text =>
      text?.toLowerCase().includes(word)
    );
  const all = [...nodes.values()].map(node => ({ ...node, found: isFound(node) }));
  const first = [...all.filter(node => node.found || node.current), ...all];
  const kept = new Set([...new Set(first.map(node => node.id))].slice(0, MOST));
  return {
    nodes: all.filter(node => kept.has(node.id)),
    links: links.filter(({ from, to }) => kept.has(from) && kept.has(to)),
    left: nodes.size - kept.size
  };
}

const USER = /^user:(.+)$/;
/** A verb of a domain: `features.training_set`. */
const VERB = /^([a-z]+)\.([a-z_]+)$/;

/** Who did it: a cell, a user at a prompt, an object that has a page, or a verb without one. */
function doer(job: string): Pick<IGraphNode, 'icon' | 'title' | 'cell' | 'ref'> {
  const cell = cellOf(job);
  if (cell) {
    return { icon: 'notebook', title: cell.path.split('/').pop() ?? cell.path, cell };
  }
  const [, user] = USER.exec(job) ?? [];
  if (user !== undefined) {
    return { icon: 'user', title: user };
  }
  const kind = kinds.get(kindOf(job));
  return kind
    ? { icon: kind.icon, title: nameOf(job), ref: job }
    : { icon: 'play', title: VERB.exec(job)?.[2]?.replaceAll('_', ' ') ?? nameOf(job) };
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
  // A table by its own name, a feature without its view: both stand in the note.
  const sign = kind === 'feature' ? ':' : '.';
  const [before, ...rest] = name.split(sign);
  const inNamespace = (kind === 'dataset' || kind === 'feature') && rest.length > 0;
  return {
    id,
    ref: id,
    icon: kinds.icon(kind),
    title: inNamespace ? rest.join(sign) : short(name),
    note: [inNamespace ? before : kind, at && `@${format.shortId(at)}`].filter(Boolean).join(' '),
    current: id === current
  };
}

interface ILineageGraphProps {
  /** The object whose lineage it is. */
  reference: string;
  name: string;
  edges: readonly IEdge[];
  /** Edges that are further away. */
  further: number;
  /** A word of objects or columns that are marked. */
  find?: string;
}

/** The objects and doings that edges are between. */
export function LineageGraph({
  reference,
  name,
  edges,
  further,
  find = ''
}: ILineageGraphProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { nodes, links, left } = useMemo(
    () => drawn(edges, reference, find),
    [edges, reference, find]
  );
  const found = nodes.filter(node => node.found).length;
  const refs = nodes.flatMap(({ ref }) => (ref !== undefined && isNamed(ref) ? [ref] : []));
  const { data: names } = useQuery(
    `names:${refs.join(' ')}`,
    signal => workbench.client.names(refs, signal), // one request, however many nodes
    {
      every: () => null,
      topics: ['job', 'run'],
      about: refs,
      list: `names:${reference}`, // those that are known stay while more are asked for
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
      <p className={cx('more')} role="status">
        {find.trim() && trans._n('%1 node found', '%1 nodes found', found)}
      </p>
      <Graph label={trans.__('Lineage of %1', name)} nodes={named} links={links} />
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
