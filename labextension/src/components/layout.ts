/** Where the boxes of a graph stand. */
export interface INode {
  id: string;
  x: number;
  y: number;
}

export interface ILayout {
  nodes: readonly INode[];
  width: number;
  height: number;
}

export interface ILink {
  from: string;
  to: string;
}

export const BOX = { width: 132, height: 40, gapX: 24, gapY: 12 };

/** The column of each node: one more than that of the last node before it. A cycle is cut where it is met again. */
function columnsOf(ids: readonly string[], links: readonly ILink[]): Map<string, number> {
  const before = new Map<string, string[]>();
  for (const { from, to } of links) {
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  const columns = new Map<string, number>();
  const visit = (id: string, path: ReadonlySet<string>): number => {
    const known = columns.get(id);
    if (known !== undefined) {
      return known;
    }
    const earlier = (before.get(id) ?? []).filter(other => other !== id && !path.has(other));
    const column = Math.max(-1, ...earlier.map(other => visit(other, new Set([...path, id])))) + 1;
    columns.set(id, column);
    return column;
  };
  ids.forEach(id => visit(id, new Set()));
  return columns;
}

/** Place a directed graph from left to right, each node near the middle of those that lead to it. */
export function layered(ids: readonly string[], links: readonly ILink[]): ILayout {
  const columns = columnsOf(ids, links);
  const depth = Math.max(-1, ...columns.values()) + 1;
  const place = new Map<string, number>();
  const byColumn = Array.from({ length: depth }, (_, column) => ids.filter(id => columns.get(id) === column));
  const tallest = Math.max(0, ...byColumn.map(column => column.length));
  const step = BOX.height + BOX.gapY;

  byColumn.forEach(column => {
    const wish = new Map(column.map((id, index) => [id, wishOf(id, links, place, index)]));
    const order = [...column].sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
    const top = (tallest - order.length) / 2;
    order.forEach((id, index) => place.set(id, top + index));
  });

  const nodes = ids.map(id => ({
    id,
    x: (columns.get(id) ?? 0) * (BOX.width + BOX.gapX),
    y: (place.get(id) ?? 0) * step
  }));
  return {
    nodes,
    width: Math.max(0, depth * (BOX.width + BOX.gapX) - BOX.gapX),
    height: Math.max(0, tallest * step - BOX.gapY)
  };
}

function wishOf(id: string, links: readonly ILink[], place: ReadonlyMap<string, number>, fallback: number): number {
  const earlier = links.filter(link => link.to === id).flatMap(link => place.get(link.from) ?? []);
  return earlier.length ? earlier.reduce((sum, value) => sum + value, 0) / earlier.length : fallback;
}

/** The curve of a link between two boxes. */
export function curve(from: INode, to: INode): string {
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = Math.max(12, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
