import { act, fireEvent, screen, within } from '@testing-library/react';
import React, { useState } from 'react';

import type { IColumn, IGridBlock, IGridQuery } from '../../api/types';
import { cells, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Explorer } from '../grid/explorer';
import { Explore, type Model } from '../grid/kernel';
import { PLAIN } from '../grid/query';
import { isSmall, SmallRows } from '../grid/rows';
import type { Show } from '../grid/shown';
import type { IGridSource } from '../grid/source';

const models: unknown[] = [];
jest.mock('../../components/grid', () => ({
  Grid: ({ model }: { model: unknown }) => {
    models.push(model);
    return null;
  }
}));

const column = (name: string, type: string): IColumn => ({
  name,
  type,
  required: false,
  doc: '',
  used_by: [],
  tags: []
});
const COLUMNS = [column('amount', 'i64'), column('word', 'str')];
const SHAPE = {
  kind: 'bins',
  bars: [0, 10, 20, 30].map(low => ({
    low,
    high: low + 10,
    label: `${low} – ${low + 9}`,
    count: 5
  })),
  below: 0,
  above: 0
};
const blockOf = (query: IGridQuery): object => ({
  start: 0,
  columns: query.group ? [column('word', 'str'), column('rows', 'u32')] : COLUMNS,
  data: [[60], ['a']],
  shown: 1,
  total: 1,
  snapshot: '7',
  query,
  of: 12,
  code: { python: `code of ${JSON.stringify(query)}` }
});

/** A grid over made-up rows; what was asked of it, newest last. */
async function explored(columns = COLUMNS): Promise<IGridQuery[]> {
  const asked: IGridQuery[] = [];
  const source = {
    id: 'x',
    name: 'n.a',
    columns,
    rows: async (query: IGridQuery) => {
      asked.push(query);
      return blockOf(query);
    },
    shape: async () => ({ shape: SHAPE })
  } as unknown as IGridSource;
  const Held = (): React.ReactElement => {
    const [query, setQuery] = useState<IGridQuery>(PLAIN);
    return <Explorer source={source} query={query} onQuery={setQuery} onShown={() => undefined} />;
  };
  show(fakeWorkbench({}), <Held />);
  await settle();
  return asked;
}

it('keeps the grid of a large table while the page hears of its dataset again', async () => {
  const sourceOf = (id: string): IGridSource =>
    ({
      id,
      name: 'n.a',
      columns: [...COLUMNS],
      rows: async (query: IGridQuery) => ({ ...blockOf(query), total: 10_000_000 })
    }) as unknown as IGridSource;
  let change: (source: IGridSource) => void = () => undefined;
  const Held = (): React.ReactElement => {
    const [source, setSource] = useState(sourceOf('n.a@7'));
    change = setSource;
    return <Explorer source={source} query={PLAIN} onQuery={jest.fn()} onShown={jest.fn()} />;
  };
  show(fakeWorkbench({}), <Held />);
  await settle();
  const before = models.at(-1);
  expect(before).toBeDefined();
  act(() => change(sourceOf('n.a@7')));
  await settle();
  expect(models.at(-1)).toBe(before);
  act(() => change(sourceOf('n.a@8')));
  await settle();
  expect(models.at(-1)).not.toBe(before);
});

const press = async (name: string | RegExp): Promise<void> => {
  fireEvent.click(screen.getByRole('button', { name }));
  await settle();
};

const choose = async (label: string, value: string): Promise<void> => {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
  await settle();
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('filters by a column from its heading, says of how many rows, and takes the filter away', async () => {
  const asked = await explored();
  await press('amount');
  await choose('Condition for amount', '<');
  await choose('value', '60');
  await press('Filter');
  const filters = [{ column: 'amount', op: '<', value: '60' }];
  expect(asked[asked.length - 1]).toEqual({ ...PLAIN, filters });
  expect(screen.getByText('1 of 12 rows')).toBeTruthy();
  expect(screen.getByRole('columnheader', { name: 'amount ◆' })).toBeTruthy();
  await press(/^amount < 60/);
  expect(screen.queryByRole('button', { name: /^amount < 60/ })).toBeNull();
});

it('has no code of what was shown before while a filter is answered', async () => {
  const shown: string[] = [];
  const waiting: (() => void)[] = [];
  const source = {
    id: 'x',
    name: 'n.a',
    columns: COLUMNS,
    rows: async (query: IGridQuery) =>
      new Promise(resolve => waiting.push(() => resolve(blockOf(query))))
  } as unknown as IGridSource;
  const told: Show = (block, late) =>
    void shown.push(late ? 'late' : (block?.code.python ?? 'of the dataset'));
  const drawn = (query: IGridQuery): React.ReactElement => (
    <Explorer source={source} query={query} onQuery={jest.fn()} onShown={told} />
  );
  let change: (query: IGridQuery) => void = () => undefined;
  const Held = (): React.ReactElement => {
    const [query, setQuery] = useState<IGridQuery>(PLAIN);
    change = setQuery;
    return drawn(query);
  };
  show(fakeWorkbench({}), <Held />);
  await settle();
  expect(shown.at(-1)).toBe('of the dataset'); // that is what is asked for
  waiting.shift()?.();
  await settle();
  expect(shown.at(-1)).toBe(`code of ${JSON.stringify(PLAIN)}`);
  const sorted = { ...PLAIN, sort: [{ column: 'word', descending: true }] };
  act(() => change(sorted));
  await settle();
  expect(shown.at(-1)).toBe('late');
  waiting.shift()?.();
  await settle();
  expect(shown.at(-1)).toBe(`code of ${JSON.stringify(sorted)}`);
});

it('sorts, by a second column with Shift, and in the order of the table again', async () => {
  const asked = await explored();
  await choose('column', 'word');
  await press('Sort Upwards');
  expect(screen.getByRole('columnheader', { name: /^word/ }).getAttribute('aria-sort')).toBe(
    'ascending'
  );
  await choose('column', 'amount');
  fireEvent.click(screen.getByRole('button', { name: 'Sort Downwards' }), { shiftKey: true });
  await settle();
  expect(asked[asked.length - 1]?.sort).toEqual([
    { column: 'amount', descending: true },
    { column: 'word', descending: false }
  ]);
  await press('Show All Rows');
  expect(screen.queryByRole('group', { name: 'What is shown' })).toBeNull();
});

it('chooses bars of the histogram with the keyboard, in place of those chosen before', async () => {
  const asked = await explored();
  await choose('column', 'amount');
  const bars = (): HTMLElement[] => within(screen.getByRole('listbox')).getAllByRole('option');
  const key = (bar: number, name: string, shiftKey = false): void => {
    act(() => void fireEvent.keyDown(bars()[bar]!, { key: name, shiftKey }));
  };
  key(0, 'ArrowRight');
  key(1, 'ArrowRight', true);
  expect(bars().map(bar => bar.getAttribute('aria-selected'))).toEqual([
    'false',
    'true',
    'true',
    'false'
  ]);
  key(2, 'Enter');
  await settle();
  expect(asked[asked.length - 1]?.filters).toEqual([
    { column: 'amount', op: '>=', value: 10 },
    { column: 'amount', op: '<', value: 30 }
  ]);
  fireEvent.mouseDown(bars()[3]!, { button: 0 });
  fireEvent.mouseEnter(bars()[2]!);
  await press('Only These');
  expect(asked[asked.length - 1]?.filters).toEqual([
    { column: 'amount', op: '>=', value: 20 },
    { column: 'amount', op: '<', value: 40 }
  ]);
});

it('offers of a column only what its type allows', async () => {
  await explored([...COLUMNS, column('tags', 'list[str]'), column('raw', 'bin')]);
  const sorts = (): number => screen.queryAllByRole('button', { name: /^Sort / }).length;
  const offered = (label: string): string[] =>
    [...screen.getByLabelText<HTMLSelectElement>(label).options].map(({ value }) => value);
  await choose('column', 'tags');
  expect(sorts()).toBe(0);
  expect(offered('Condition for tags')).toEqual(['null', 'not null']);
  await choose('column', 'raw');
  expect(sorts()).toBe(2);
  expect(screen.queryByRole('listbox')).toBeNull();
  await press('Group…');
  expect(offered('group by')).toEqual(['', 'amount', 'word', 'raw']);
});

it('is a table of the page only where that has few cells', async () => {
  const wide = Array.from({ length: 2000 }, (_, index) => column(`c${index}`, 'f64'));
  expect(isSmall({ total: 200, columns: COLUMNS } as unknown as IGridBlock)).toBe(true);
  expect(isSmall({ total: 201, columns: COLUMNS } as unknown as IGridBlock)).toBe(false);
  expect(isSmall({ total: 20, columns: wide } as unknown as IGridBlock)).toBe(false);
});

it('groups rows with figures; a group has its own columns', async () => {
  const asked = await explored();
  await press('Group…');
  await choose('group by', 'word');
  expect(screen.getByText('1 group')).toBeTruthy();
  await choose('of', 'amount');
  expect(asked[asked.length - 1]?.group).toEqual({
    by: ['word'],
    aggregates: [{ column: 'amount', function: 'mean' }]
  });
  await press(/^grouped by word/);
  expect(screen.getByText('1 of 12 rows')).toBeTruthy();
});

describe('a frame of a kernel', () => {
  const kernel = (
    answer: (content: { query: IGridQuery }) => object
  ): Model & { trigger: (name: string) => void } => {
    const heard = new Map<string, (content: object) => void>();
    return {
      model_id: 'm',
      comm_live: true,
      get: (name: string) => (name === 'title' ? 'orders' : COLUMNS),
      on: (name: string, listener: (content: object) => void) => heard.set(name, listener),
      off: () => undefined,
      trigger: (name: string) => heard.get(name)?.({}),
      send: (content: { id: string; query: IGridQuery }) =>
        heard.get('msg:custom')?.({ id: content.id, ...answer(content) })
    } as unknown as Model & { trigger: (name: string) => void };
  };

  it('answers by its own code, which is inserted', async () => {
    const fake = fakeWorkbench({});
    const model = kernel(({ query }) => ({ found: blockOf(query) }));
    show(fake, <Explore model={model} />);
    await settle();
    expect(cells('Rows of orders')).toEqual([['60', 'a']]);
    await press('Insert Code');
    expect(fake.code.insertBelow).toHaveBeenCalledWith(`code of ${JSON.stringify(PLAIN)}`);
  });

  it('says what is wrong, also when the kernel is gone', async () => {
    const error = { error: 'bad_request', message: 'The filter x is wrong.', why: '', fix: 'y' };
    show(fakeWorkbench({}), <Explore model={kernel(() => ({ error }))} />);
    await settle();
    expect(screen.getByRole('alert').textContent).toContain('The filter x is wrong.');
    const dead = { ...kernel(() => ({})), comm_live: false, model_id: 'other' } as Model;
    show(fakeWorkbench({}), <Explore model={dead} />);
    await settle();
    expect(screen.getByText('The kernel that holds these rows is gone.')).toBeTruthy();
  });

  it('says the same of a kernel that was shut down, and of one that was started again', async () => {
    const closed = kernel(() => {
      throw new Error('Cannot send');
    });
    show(fakeWorkbench({}), <Explore model={closed} />);
    await settle();
    expect(screen.getByRole('alert').textContent).toContain('Run the cell again.');
    const again = { ...kernel(() => ({})), send: jest.fn(), model_id: 'again' };
    show(fakeWorkbench({}), <Explore model={again} />);
    await settle();
    expect(screen.getAllByRole('alert')).toHaveLength(1);
    Object.assign(again, { comm_live: false }).trigger('comm_live_update');
    await settle();
    expect(screen.getAllByRole('alert')).toHaveLength(2);
  });
});

it('says in words that there are no rows, or none that fit', () => {
  const none = (query: IGridQuery): React.ReactElement => (
    <SmallRows
      source={{ id: 'x', name: 'n.a', columns: COLUMNS } as unknown as IGridSource}
      query={query}
      block={{ ...blockOf(query), data: [[], []], shown: 0, total: 0 } as unknown as IGridBlock}
      onColumn={() => undefined}
    />
  );
  const { unmount } = show(fakeWorkbench(), none(PLAIN));
  expect(screen.getByText('It has no rows yet.')).toBeTruthy();
  unmount();
  show(fakeWorkbench(), none({ ...PLAIN, filters: [{ column: 'word', op: '=', value: 'b' }] }));
  expect(screen.getByText('No row fits the filters.')).toBeTruthy();
});
