import type { IEdge, IRowBlock } from '../../api/types';
import { neighbour } from '../../components/graph';
import { BOX, layered } from '../../components/layout';
import { RemoteTable } from '../../components/remote';
import { drawn } from '../lineage';

describe('a layered graph', () => {
  it('puts each node right of all that lead to it', () => {
    const links = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'd' },
      { from: 'a', to: 'd' }
    ];
    const { nodes } = layered(['d', 'a', 'b'], links);
    const x = Object.fromEntries(nodes.map(node => [node.id, node.x]));
    for (const { from, to } of links) {
      expect(x[from]).toBeLessThan(x[to] ?? 0);
    }
  });

  it('gives no two nodes the same place', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const { nodes } = layered(ids, [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'a', to: 'd' }
    ]);
    expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(ids.length);
  });

  it('leads a link over several columns past the boxes between, not behind them', () => {
    const links = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'a', to: 'c' }
    ];
    const { nodes, links: drawnLinks } = layered(['a', 'b', 'c'], links);
    const middle = nodes.find(node => node.id === 'b')?.y ?? 0;
    const path = drawnLinks.find(({ from, to }) => from === 'a' && to === 'c')?.path ?? '';
    const [, passing] = /C.* ([\d.]+)H/.exec(path) ?? [];
    expect(Math.abs(Number(passing) - (middle + BOX.height / 2))).toBeGreaterThan(BOX.height / 2);
  });

  it('survives a cycle and an empty graph', () => {
    expect(
      layered(
        ['a', 'b'],
        [
          { from: 'a', to: 'b' },
          { from: 'b', to: 'a' }
        ]
      ).nodes
    ).toHaveLength(2);
    expect(layered([], [])).toEqual({ nodes: [], links: [], width: 0, height: 0 });
  });

  it('is walked along its edges by the arrow keys', () => {
    const links = [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' }
    ];
    const { nodes } = layered(['a', 'b', 'c'], links);
    expect(neighbour('ArrowRight', 'a', links, nodes)).toBe('b');
    expect(neighbour('ArrowDown', 'b', links, nodes)).toBe('c');
    expect(neighbour('ArrowLeft', 'c', links, nodes)).toBe('a');
    expect(neighbour('ArrowUp', 'b', links, nodes)).toBeUndefined();
  });
});

describe('lineage', () => {
  const edge = (
    input: string,
    output: string,
    at: string,
    columns: [string, string][] = []
  ): IEdge => ({
    input,
    output,
    job: 'ingest',
    at,
    columns,
    untraced: null
  });

  it('draws versions of an object as one node, and only the newest doing that made it', () => {
    const { nodes, links } = drawn(
      [
        edge('file:a.csv', 'dataset:n.t@1', '2026-01-01'),
        edge('file:a.csv', 'dataset:n.t@2', '2026-01-02')
      ],
      'dataset:n.t'
    );
    expect(nodes.map(node => node.id).sort()).toEqual(['dataset:n.t', 'doing 0', 'file:a.csv']);
    expect(links).toHaveLength(2);
    expect(nodes.find(node => node.id === 'dataset:n.t')?.current).toBe(true);
  });

  it('marks what is looked for, also by a column, and draws it although others are left out', () => {
    const edges = Array.from({ length: 150 }, (_, index) =>
      edge(`file:${index}.csv`, `dataset:n.t${index}`, `2026-01-01T00:00:${index}`, [
        ['raw', index === 149 ? 'price' : 'amount']
      ])
    );
    const found = (word: string): string[] =>
      drawn(edges, 'dataset:n.t0', word)
        .nodes.filter(node => node.found)
        .map(node => node.id);
    expect(found('PRICE')).toEqual(['dataset:n.t149']);
    expect(found('t148')).toEqual(['dataset:n.t148']);
    expect(found(' ')).toEqual([]);
  });

  it.each([
    ['notebook:work/a b.ipynb#1f', 'notebook', 'a b.ipynb', undefined],
    ['user:ana maria', 'user', 'ana maria', undefined],
    ['job:00000001', 'jobs', '00000001', 'job:00000001'],
    ['features.training_set', 'play', 'training set', undefined]
  ])('tells who did it: %s', (job, icon, title, ref) => {
    const { nodes } = drawn([{ ...edge('file:a.csv', 'dataset:n.t', ''), job }], 'dataset:n.t');
    const node = nodes.find(({ id }) => id === 'doing 0');
    expect([node?.icon, node?.title, node?.ref]).toEqual([icon, title, ref]);
  });

  it('calls a table and a feature by their own names, with what they are in beside', () => {
    const { nodes } = drawn(
      [edge('feature:origin_delays:departures_2h', 'dataset:flights.train', '')],
      'dataset:flights.train'
    );
    expect(nodes.filter(({ ref }) => ref).map(({ title, note }) => [title, note])).toEqual(
      expect.arrayContaining([
        ['departures_2h', 'origin_delays'],
        ['train', 'flights']
      ])
    );
  });

  it('says how many nodes are not drawn', () => {
    const edges = Array.from({ length: 150 }, (_, index) =>
      edge(`file:${index}.csv`, `dataset:n.t${index}`, `2026-01-01T00:00:${index}`)
    );
    const { nodes, left } = drawn(edges, 'dataset:n.t0');
    expect(nodes).toHaveLength(200);
    expect(left).toBe(250);
  });
});

describe('a remote table', () => {
  const columns = [{ name: 'a', type: 'i64', required: false, doc: '', used_by: [], tags: [] }];
  const block = (start: number, count: number): IRowBlock => ({
    start,
    columns,
    data: [Array.from({ length: count }, (_, index) => start + index)],
    shown: count,
    total: 1_000_000,
    snapshot: null,
    masked: []
  });

  it('fetches a block once, and then serves its cells', async () => {
    const fetch = jest.fn(async (start: number, count: number) => block(start, count));
    const table = new RemoteTable(columns, 1_000_000, fetch);
    const changed = new Promise(resolve => table.changed.connect((_, change) => resolve(change)));
    expect(table.data('body', 750, 0)).toBe('…');
    expect(table.data('body', 751, 0)).toBe('…');
    expect(await changed).toMatchObject({ type: 'cells-changed', row: 500, rowSpan: 500 });
    expect(fetch.mock.calls).toEqual([[500, 500]]);
    expect(table.data('body', 750, 0)).toBe('750');
  });

  it('forgets the oldest blocks', async () => {
    const fetch = jest.fn(async (start: number, count: number) => block(start, count));
    const table = new RemoteTable(columns, 1_000_000, fetch);
    for (let index = 0; index < 70; index++) {
      table.data('body', index * 500, 0);
      await Promise.resolve();
      await Promise.resolve();
    }
    await new Promise(resolve => setTimeout(resolve, 0));
    expect(table.data('body', 0, 0)).toBe('…');
    expect(table.data('body', 69 * 500, 0)).toBe(String(69 * 500));
  });

  it('tells of a failure and does not ask again at once', async () => {
    const failed = jest.fn();
    const fetch = jest.fn(async (): Promise<IRowBlock> => {
      throw new Error('down');
    });
    const table = new RemoteTable(columns, 1000, fetch, failed);
    table.data('body', 0, 0);
    await new Promise(resolve => setTimeout(resolve, 0));
    table.data('body', 0, 0);
    expect(failed).toHaveBeenCalledTimes(1);
    expect(fetch).toHaveBeenCalledTimes(1);
  });
});
