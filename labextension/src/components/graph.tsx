import React, { useMemo, useRef } from 'react';

import { useWorkbench } from '../hooks/context';
import { cx } from './cx';
import type { IconName } from './glyphs';
import { Icon } from './icon';
import { BOX, curve, type ILink, type INode, layered } from './layout';

export interface IGraphNode {
  id: string;
  /** Opens when the node is chosen. */
  ref?: string;
  icon: IconName;
  title: string;
  note?: string;
  /** A state shape at the right. */
  mark?: React.ReactNode;
  /** The object whose page this is. */
  current?: boolean;
  /** A class for the ink of the left edge. */
  tone?: string;
}

interface IGraphProps {
  label: string;
  nodes: readonly IGraphNode[];
  links: readonly ILink[];
  onOpen?: (id: string) => void;
}

/** A directed graph; arrow keys go along its edges. */
export function Graph({ label, nodes, links, onOpen }: IGraphProps): React.ReactElement {
  const workbench = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const layout = useMemo(
    () =>
      layered(
        nodes.map(node => node.id),
        links
      ),
    [nodes, links]
  );
  const at = new Map(layout.nodes.map(node => [node.id, node]));
  const start = nodes.find(node => node.current)?.id ?? nodes[0]?.id;

  const move = (event: React.KeyboardEvent, id: string): void => {
    const next = neighbour(event.key, id, links, layout.nodes);
    if (next) {
      event.preventDefault();
      host.current
        ?.querySelectorAll<HTMLElement>('[data-node]')
        .forEach(node => node.dataset.node === next && node.focus());
    }
  };
  const open = (node: IGraphNode): void => {
    if (onOpen) {
      onOpen(node.id);
    } else if (node.ref) {
      void workbench.open(node.ref);
    }
  };

  return (
    <div ref={host} className={cx('graph')} role="group" aria-label={label}>
      <div style={{ width: layout.width, height: layout.height }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {links.map(({ from, to }) => {
            const [a, b] = [at.get(from), at.get(to)];
            return a && b && <path key={`${from} ${to}`} d={curve(a, b)} />;
          })}
        </svg>
        {nodes.map(node => (
          <button
            key={node.id}
            type="button"
            className={cx('node', node.current && 'is-current', node.tone && `edge-${node.tone}`)}
            style={{ left: at.get(node.id)?.x, top: at.get(node.id)?.y, width: BOX.width, height: BOX.height }}
            data-node={node.id}
            data-mlinfra-ref={node.ref}
            title={[node.title, node.note].filter(Boolean).join('\n')}
            tabIndex={node.id === start ? 0 : -1}
            onKeyDown={event => move(event, node.id)}
            onClick={() => open(node)}
          >
            <Icon name={node.icon} />
            <span>
              <span>{node.title}</span>
              {node.note && <small>{node.note}</small>}
            </span>
            {node.mark}
          </button>
        ))}
      </div>
    </div>
  );
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
