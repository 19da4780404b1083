import React, { useEffect, useId, useMemo, useRef } from 'react';

import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import type { ICellPlace } from '../notebook/writer';
import { cx } from './cx';
import type { AnyIcon } from './glyphs';
import { Icon } from './icon';
import { BOX, type ILink, type INode, layered } from './layout';
import { Name } from './name';

export interface IGraphNode {
  id: string;
  /** Opens when the node is chosen. */
  ref?: string;
  /** A notebook that opens, at a cell, when the node is chosen. */
  cell?: ICellPlace;
  icon: AnyIcon;
  title: string;
  note?: string;
  /** A state shape at the right. */
  mark?: React.ReactNode;
  /** The object whose page this is. */
  current?: boolean;
  /** A class for the ink of the left edge. */
  tone?: string;
  /** What was looked for. */
  found?: boolean;
  /** What was not come to: the way to it is dashed. */
  unreached?: boolean;
  /** What comes from outside: its box is dashed. */
  outside?: boolean;
}

interface IGraphProps {
  label: string;
  nodes: readonly IGraphNode[];
  links: readonly ILink[];
  onOpen?: (id: string) => void;
  /** A key on a node that is none of the graph's own; returns whether it did anything. */
  onKey?: (key: string, id: string) => boolean;
  /** The node that has the focus. */
  onFocus?: (id: string) => void;
}

/** A directed graph; arrow keys go along its edges. */
export function Graph({
  label,
  nodes,
  links,
  onOpen,
  onKey,
  onFocus
}: IGraphProps): React.ReactElement {
  const workbench = useWorkbench();
  const openFile = useOpenFile();
  const host = useRef<HTMLDivElement>(null);
  const arrow = useId().replace(/:/g, '');
  const layout = useMemo(
    () =>
      layered(
        nodes.map(node => node.id),
        links
      ),
    [nodes, links]
  );
  const at = new Map(layout.nodes.map(node => [node.id, node]));
  const unreached = new Set(nodes.filter(node => node.unreached).map(node => node.id));
  const start = (nodes.find(node => node.found) ?? nodes.find(node => node.current) ?? nodes[0])
    ?.id;

  const move = (event: React.KeyboardEvent, id: string): void => {
    const held = event.ctrlKey || event.altKey || event.metaKey;
    const next = held ? undefined : neighbour(event.key, id, links, layout.nodes);
    if (!next && !held && onKey?.(event.key, id)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (next) {
      event.preventDefault();
      host.current
        ?.querySelectorAll<HTMLElement>('[data-node]')
        .forEach(node => node.dataset.node === next && node.focus());
    }
  };
  // then the current node is the one that was just chosen, and in sight
  const chooses = onOpen !== undefined;
  useEffect(() => {
    if (!chooses) {
      const node = host.current?.querySelector('[data-node][tabindex="0"]');
      if (node) {
        center(node);
      }
    }
  }, [start, chooses]);
  const open = (node: IGraphNode): void => {
    if (onOpen) {
      onOpen(node.id);
    } else if (node.cell) {
      openFile(node.cell.path, node.cell.cell);
    } else if (node.ref) {
      void workbench.open(node.ref);
    }
  };

  return (
    <div ref={host} className={cx('graph')} role="group" aria-label={label}>
      <div style={{ width: layout.width, height: layout.height }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          <defs>
            <marker
              id={arrow}
              viewBox="0 0 6 6"
              refX="6"
              refY="3"
              markerWidth="6"
              markerHeight="6"
              orient="auto"
            >
              <path d="M0 0 6 3 0 6z" />
            </marker>
          </defs>
          {layout.links.map(({ from, to, path }) => (
            <path
              key={`${from} ${to}`}
              className={cx('link-line', unreached.has(to) && 'is-unreached')}
              d={path}
              markerEnd={`url(#${arrow})`}
            />
          ))}
        </svg>
        {nodes.map(node => (
          <GraphNode
            key={node.id}
            node={node}
            place={at.get(node.id)}
            tab={node.id === start}
            onKeyDown={event => move(event, node.id)}
            onFocus={() => onFocus?.(node.id)}
            onClick={() => open(node)}
          />
        ))}
      </div>
    </div>
  );
}

interface IGraphNodeProps {
  node: IGraphNode;
  place: INode | undefined;
  tab: boolean;
  onKeyDown: (event: React.KeyboardEvent) => void;
  onFocus: () => void;
  onClick: () => void;
}

function GraphNode({ node, place, tab, ...handlers }: IGraphNodeProps): React.ReactElement {
  return (
    <button
      type="button"
      className={cx(
        'node',
        node.current && 'is-current',
        node.found && 'is-found',
        node.outside && 'is-outside',
        node.tone && `edge-${node.tone}`
      )}
      style={{ left: place?.x, top: place?.y, width: BOX.width, height: BOX.height }}
      data-node={node.id}
      data-mlinfra-ref={node.ref}
      title={[node.cell?.path ?? node.title, node.note, node.ref].filter(Boolean).join('\n')}
      tabIndex={tab ? 0 : -1}
      {...handlers}
    >
      <Icon name={node.icon} />
      <span>
        <Name text={node.title} />
      </span>
      {node.mark}
      {node.note && <small>{node.note}</small>}
    </button>
  );
}

/** Bring a node to the middle of what scrolls around it; the page stays where it is. */
function center(node: Element): void {
  const page = node.closest('[data-mlinfra-frame]');
  for (let host = node.parentElement; host && host !== page; host = host.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(host).overflow)) {
      const [inner, outer] = [node.getBoundingClientRect(), host.getBoundingClientRect()];
      host.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
      host.scrollTop += (inner.top + inner.bottom - outer.top - outer.bottom) / 2;
    }
  }
}

/** The node that an arrow key goes to: along an edge, or up and down within a column. */
export function neighbour(
  key: string,
  id: string,
  links: readonly ILink[],
  places: readonly INode[]
): string | undefined {
  const here = places.find(node => node.id === id);
  if (!here) {
    return undefined;
  }
  switch (key) {
    case 'ArrowRight':
      return links.find(link => link.from === id)?.to;
    case 'ArrowLeft':
      return links.find(link => link.to === id)?.from;
    case 'ArrowDown':
    case 'ArrowUp': {
      const sign = key === 'ArrowDown' ? 1 : -1;
      const column = places.filter(node => node.x === here.x && (node.y - here.y) * sign > 0);
      return column.sort((a, b) => (a.y - b.y) * sign)[0]?.id;
    }
    default:
      return undefined;
  }
}
