/** Where the boxes of a graph stand. */
export interface INode {
  id: string;
  x: number;
  y: number;
}

export interface ILayout {
  nodes: readonly INode[];
  links: readonly IPath[];
  width: number;
  height: number;
}

export interface ILink {
  from: string;
  to: string;
}

/** A link as it is drawn. */
export interface IPath extends ILink {
  path: string;
}

export const BOX = { width: 144, height: 42, gapX: 30, gapY: 14 };

/**
 * The column of each node: one more than that of the last node before it. A cycle is cut where it
 * is met again.
 */
function columnsOf(ids: readonly string[], links: readonly ILink[]): Map<string, number> {
  const before = new Map<string, string[]>();
  for (const { from, to } of links) {
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  const columns = new Map<string, number>();
  const visit = (id: string, path: ReadonlySet<string>): number => {
    const placed = columns.get(id);
    if (placed !== undefined) {
      return placed;
    }
    const earlier = (before.get(id) ?? []).filter(other => other !== id && !path.has(other));
    const column = Math.max(-1, ...earlier.map(other => visit(other, new Set([...path, id])))) + 1;
    columns.set(id, column);
    return column;
  };
  ids.forEach(id => visit(id, new Set()));
  return columns;
}

/** Sweeps over the columns; each brings nodes nearer to what they are joined with. */
const SWEEPS = 6;
/** Distance of neighbours in a column, in steps: a line that only passes needs less than a box. */
const PASS = 0.6;

/** A place in a column: a box, or a bend of a link that passes between boxes. */
interface ISlot {
  id: string;
  passes: boolean;
  before: readonly string[];
  after: readonly string[];
}

interface IGrid {
  columns: readonly (readonly ISlot[])[];
  /** The slots that each link goes through, its ends included. */
  ways: readonly { link: ILink; slots: readonly string[] }[];
}

/**
 * Cut links over several columns into pieces from column to column, so that none runs behind a box.
 */
function gridOf(ids: readonly string[], links: readonly ILink[]): IGrid {
  const columns = columnsOf(ids, links);
  const depth = Math.max(-1, ...columns.values()) + 1;
  const slots = new Map(ids.map(id => [id, { id, passes: false, column: columns.get(id) ?? 0 }]));
  const ways = links
    .filter(({ from, to }) => slots.has(from) && slots.has(to))
    .map(link => {
      const [start, end] = [columns.get(link.from) ?? 0, columns.get(link.to) ?? 0];
      const bends = Array.from({ length: Math.max(0, end - start - 1) }, (_, index) => {
        const slot = {
          id: `${link.from}→${link.to}@${index}`,
          passes: true,
          column: start + 1 + index
        };
        slots.set(slot.id, slot);
        return slot.id;
      });
      return { link, slots: [link.from, ...bends, link.to] };
    });
  const [before, after] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const way of ways) {
    way.slots.slice(1).forEach((id, index) => {
      const last = way.slots[index] ?? id;
      before.set(id, [...(before.get(id) ?? []), last]);
      after.set(last, [...(after.get(last) ?? []), id]);
    });
  }
  const full = [...slots.values()].map(slot => ({
    ...slot,
    before: before.get(slot.id) ?? [],
    after: after.get(slot.id) ?? []
  }));
  return {
    columns: Array.from({ length: depth }, (_, column) =>
      full.filter(slot => slot.column === column)
    ),
    ways
  };
}

const mean = (values: readonly number[]): number | null =>
  values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;

/**
 * The order of each column, with few crossings: each slot goes to the mean place of those that it
 * is joined with.
 */
function ordered({ columns }: IGrid): ISlot[][] {
  const order = columns.map(column => [...column]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    const walk = forward ? order : [...order].reverse();
    let last = new Map<string, number>();
    walk.forEach(column => {
      const place = new Map(column.map((slot, index) => [slot.id, index]));
      const wish = (slot: ISlot): number =>
        mean((forward ? slot.before : slot.after).flatMap(id => last.get(id) ?? [])) ??
        place.get(slot.id) ??
        0;
      column.sort((a, b) => wish(a) - wish(b));
      last = new Map(column.map((slot, index) => [slot.id, index]));
    });
  }
  return order;
}

const distance = (a: ISlot, b: ISlot): number => (a.passes || b.passes ? PASS : 1);

/** Places along a column, in steps: as near to the wishes as the distances allow. */
function spread(column: readonly ISlot[], wishes: readonly number[]): number[] {
  const down: number[] = [];
  column.forEach((slot, index) => {
    const above = column[index - 1];
    const least = above ? (down[index - 1] ?? 0) + distance(above, slot) : -Infinity;
    down.push(Math.max(wishes[index] ?? 0, least));
  });
  const shift = mean(down.map((value, index) => (wishes[index] ?? 0) - value)) ?? 0;
  return down.map(value => value + shift);
}

/** The place of each slot in its column, in steps from the top. */
function placed(order: readonly (readonly ISlot[])[]): Map<string, number> {
  const place = new Map(
    order.flatMap(column =>
      spread(
        column,
        column.map(() => 0)
      ).map((y, i) => [column[i]?.id ?? '', y])
    )
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const walk = sweep % 2 === 0 ? order : [...order].reverse();
    walk.forEach(column => {
      const wishes = column.map(
        slot =>
          mean([...slot.before, ...slot.after].flatMap(id => place.get(id) ?? [])) ??
          place.get(slot.id) ??
          0
      );
      spread(column, wishes).forEach((y, index) => place.set(column[index]?.id ?? '', y));
    });
  }
  const top = Math.min(...place.values());
  return new Map([...place].map(([id, y]) => [id, y - top]));
}

/**
 * Place a directed graph from left to right, each node near the middle of those it is joined with.
 */
export function layered(ids: readonly string[], links: readonly ILink[]): ILayout {
  const grid = gridOf(ids, links);
  const order = ordered(grid);
  const place = placed(order);
  const step = BOX.height + BOX.gapY;
  const at = new Map(
    order.flatMap((column, index) =>
      column.map(({ id }): [string, INode] => [
        id,
        { id, x: index * (BOX.width + BOX.gapX), y: Math.round((place.get(id) ?? 0) * step) }
      ])
    )
  );
  const nodes = ids.flatMap(id => at.get(id) ?? []);
  return {
    nodes,
    links: grid.ways.map(({ link, slots }) => ({
      ...link,
      path: way(slots.flatMap(id => at.get(id) ?? []))
    })),
    width: Math.max(0, order.length * (BOX.width + BOX.gapX) - BOX.gapX),
    height: Math.max(0, ...[...at.values()].map(node => node.y + BOX.height))
  };
}

/**
 * The path of a link: out of the right side of a box, straight past the boxes of the columns
 * between, into the next.
 */
function way([from, ...rest]: readonly INode[]): string {
  if (!from) {
    return '';
  }
  let [x, y] = [from.x + BOX.width, from.y + BOX.height / 2];
  const parts = [`M${x} ${y}`];
  rest.forEach((slot, index) => {
    const [x2, y2] = [slot.x, slot.y + BOX.height / 2];
    const bend = Math.max(12, (x2 - x) / 2);
    parts.push(`C${x + bend} ${y} ${x2 - bend} ${y2} ${x2} ${y2}`);
    if (index < rest.length - 1) {
      parts.push(`H${slot.x + BOX.width}`);
    }
    [x, y] = [slot.x + BOX.width, y2];
  });
  return parts.join('');
}
