import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type {
  IColumnProfile,
  IDataset,
  IDatasetDetail,
  IProfile,
  IShape,
  Tier
} from '../../api/types';
import {
  BROKEN,
  cells,
  exactly,
  HOSTILE,
  pageOf,
  settle
} from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { Columns } from '../columns';
import { Preview } from '../grid/preview';
import { PLAIN } from '../grid/query';
import { mostFrequent } from '../figures';
import CatalogPanel from '../panel';
import { Snapshots } from '../snapshots';
import { statisticsOf } from '../statistics';

// Lumino's grid wants a canvas, which jsdom has not.
jest.mock('../../components/grid', () => ({ Grid: () => null }));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const dataset: IDataset = {
  ref: 'dataset:n.a',
  name: 'n.a',
  namespace: 'n',
  rows: exactly(1000),
  bytes: 10,
  columns: 2,
  snapshot: '7',
  updated_at: null,
  owner: '',
  tags: [],
  description: '',
  domain: '',
  columns_tagged: {},
  signs: {}
};

const detailOf = (names: readonly string[]): IDatasetDetail => ({
  dataset,
  schema: names.map(name => ({
    name,
    type: 'f64',
    used_by: [],
    tags: []
  })) as unknown as IDatasetDetail['schema'],
  location: '',
  snapshots: 1,
  newer: 0,
  code: {}
});

const column = (more: Partial<IColumnProfile> = {}): IColumnProfile => ({
  type: 'f64',
  nulls: 0,
  distinct: null,
  min: null,
  max: null,
  mean: null,
  std: null,
  quantiles: {},
  top: [],
  shape: null,
  basis: {},
  errors: {},
  sample: null,
  ...more
});
const profileOf = (tier: Tier, columns: Record<string, IColumnProfile>, rows: number): object => ({
  ref: dataset.ref,
  snapshot: '7',
  tier,
  rows,
  seconds: 0.42,
  columns,
  files_read: 1
});

async function columns(names: readonly string[], profile: jest.Mock): Promise<IFake> {
  const fake = fakeWorkbench({ catalog: { profile } });
  show(fake, <Columns detail={detailOf(names)} asked={null} />);
  await settle();
  return fake;
}

const TABLE = 'Columns of n.a';
const sampled = (nulls: number): IColumnProfile =>
  column({ nulls, basis: { nulls: 'sample' }, sample: 500 });

describe('the profile of a dataset', () => {
  it('of a sample marks what it estimates; the exact one, asked for, has no mark', async () => {
    const profile = jest.fn(async (_name: string, { tier }: { tier: Tier }) =>
      tier === 'sample'
        ? profileOf(
            'sample',
            {
              x: column({
                nulls: 250,
                distinct: 900,
                basis: { nulls: 'sample', distinct: 'approximate' },
                errors: { distinct: 0.011 },
                sample: 500
              })
            },
            1000
          )
        : profileOf('exact', { x: column({ nulls: 200, distinct: 871 }) }, 1000)
    );
    await columns(['x'], profile);
    expect(cells(TABLE)[0]?.slice(0, 4)).toEqual(['x', 'f64', '25 %', '900']);
    const heads = screen.getAllByRole('columnheader').map(({ textContent }) => textContent);
    expect(heads.slice(2, 4)).toEqual(['missing~', 'distinct≈']);
    expect(screen.getAllByTitle('from a sample of 500 rows').length).toBeGreaterThan(0);
    expect(screen.getByText('sample of 500, 0.42 s')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Run Exact' }));
    await settle();
    expect(profile.mock.calls.map(([, { tier }]) => tier)).toEqual(['sample', 'exact']);
    expect(cells(TABLE)[0]?.slice(0, 4)).toEqual(['x', 'f64', '20 %', '871']);
    expect(screen.getByText('exact, 0.42 s')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Run Exact' })).toBeNull();
  });

  it('that fails says why and the fix; the columns stay, and Try Again reads it', async () => {
    const profile = jest
      .fn()
      .mockRejectedValueOnce(BROKEN)
      .mockResolvedValue(profileOf('sample', { x: column({ nulls: 1 }) }, 2));
    await columns(['x', 'y'], profile);
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    expect(cells(TABLE).map(([name]) => name)).toEqual(['x', 'y']);
    fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
    await settle();
    expect(cells(TABLE).map(row => row[2])).toEqual(['50 %', '']);
  });

  it('an exact one that fails leaves what the sample has told', async () => {
    const profile = jest.fn(async (_name: string, { tier }: { tier: Tier }) => {
      if (tier === 'exact') {
        throw BROKEN;
      }
      return profileOf('sample', { x: sampled(250) }, 1000);
    });
    await columns(['x'], profile);
    fireEvent.click(screen.getByRole('button', { name: 'Run Exact' }));
    await settle();
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    expect(cells(TABLE)[0]?.[2]).toBe('25 %');
  });

  it('keeps the focus when the button that has it goes: exact, cancelled, exact again', async () => {
    let answer: (profile: object) => void = () => undefined;
    const profile = jest.fn((_name: string, { tier }: { tier: Tier }, signal: AbortSignal) =>
      tier === 'sample'
        ? Promise.resolve(profileOf('sample', { x: sampled(250) }, 1000))
        : new Promise<object>((resolve, reject) => {
            answer = resolve;
            signal.addEventListener('abort', () => reject(new Error('aborted')));
          })
    );
    await columns(['x'], profile);
    const bar = screen.getByRole('group', { name: 'Profile' });
    const press = (name: string): void => {
      const button = screen.getByRole('button', { name });
      button.focus();
      fireEvent.click(button);
    };
    press('Run Exact');
    expect(document.activeElement).toBe(bar);
    await act(() => jest.advanceTimersByTimeAsync(1500));
    press('Cancel');
    await settle();
    expect(document.activeElement).toBe(bar);
    expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull();

    press('Run Exact');
    const field = screen.getByLabelText('find a column');
    field.focus(); // who has gone on stays there
    answer(profileOf('exact', { x: column({ nulls: 200 }) }, 1000));
    await settle();
    expect(screen.getByText('exact, 0.42 s')).toBeTruthy();
    expect(document.activeElement).toBe(field);
  });

  it('of very many columns draws some, sorts all, and reads only what the files say', async () => {
    const names = Array.from(
      { length: 10_000 },
      (_, place) => `c${String(place).padStart(5, '0')}`
    );
    const profile = jest.fn(async (_name: string, { tier }: { tier: Tier }) =>
      profileOf(tier, { c00000: column() }, 10)
    );
    await columns(names, profile);
    expect(profile.mock.calls.map(([, { tier }]) => tier)).toEqual(['footer']);
    expect(cells(TABLE)).toHaveLength(200);
    fireEvent.click(screen.getByRole('button', { name: 'next 50' }));
    expect(cells(TABLE)).toHaveLength(250);
    const head = screen.getByRole('columnheader', { name: 'column' });
    fireEvent.click(within(head).getByRole('button'));
    fireEvent.click(within(head).getByRole('button'));
    expect(cells(TABLE)[0]?.[0]).toBe('c09999');
    fireEvent.change(screen.getByLabelText('find a column'), { target: { value: 'c0712' } });
    expect(cells(TABLE)).toHaveLength(10);
    fireEvent.click(screen.getByRole('button', { name: 'Take a Sample' }));
    await settle();
    expect(profile.mock.calls.map(([, { tier }]) => tier)).toEqual(['footer', 'sample']);
  });

  it('writes what is missing, no number, tiny, huge and negative; a year has no separator', async () => {
    const odd = {
      a: column({ nulls: 1, min: 'NaN', mean: 'Infinity', max: -3 }),
      b: column({ min: -1e-9, mean: 1e300, max: 2013 }),
      c: column({ min: '2013-01-01T05:00:00Z', top: [['<i>UA</i>', 5_000_000]] }),
      d: column({ distinct: 12_345_678, nulls: null }),
      constructor: column({ max: 7 })
    };
    await columns(
      ['a', 'b', 'c', 'd', 'constructor', 'toString'],
      jest.fn(async () => profileOf('exact', odd, 10_000_000))
    );
    expect(cells(TABLE).map(row => row.slice(2, 7))).toEqual([
      ['< 0.01 %', '', 'NaN', '∞', '−3'],
      ['0 %', '', '−1.000e-9', '1.000e+300', '2013'],
      ['0 %', '', '2013-01-01 05:00 UTC', '<i>UA</i> 50 %', ''],
      ['', '12M', '', '', ''],
      ['0 %', '', '', '', '7'],
      ['', '', '', '', '']
    ]);
  });

  it('draws a bar for each value or bin, and says what lies beyond them', async () => {
    const bar = (low: unknown, high: unknown, count: number): object => ({
      low,
      high,
      label: String(low),
      count
    });
    const shaped = {
      month: column({
        shape: {
          kind: 'values',
          bars: [bar(1, 1, 9), bar(2, 2, 0), bar(3, 3, 4)],
          below: 0,
          above: 0
        } as IShape
      }),
      delay: column({
        shape: {
          kind: 'bins',
          bars: [bar(-20, 0, 5), bar(0, 20, 7)],
          below: 1,
          above: 1234
        } as IShape
      })
    };
    await columns(
      ['month', 'delay'],
      jest.fn(async () => profileOf('exact', shaped, 13))
    );
    const month = screen.getByRole('img', { name: 'Shape of month' });
    const heights = [...month.querySelectorAll('rect')].map(item => item.getAttribute('height'));
    expect(heights).toHaveLength(3);
    expect(heights[1]).toBe('0');
    expect(within(month).getByText('1: 9 rows')).toBeTruthy();
    const delay = screen.getByRole('img', {
      name: 'Shape of delay. 1 row below −20, not drawn. 1,234 rows above 20, not drawn'
    });
    expect(delay.querySelectorAll('path')).toHaveLength(2);
  });

  it('has a tab of distributions: quantiles, deviation and the most frequent values', async () => {
    const known = {
      x: column({
        std: 2.5,
        quantiles: { '0.01': -3, '0.5': 7 },
        top: [
          [1016.35, 500],
          ['2013-01-01T05:00:00Z', 250]
        ],
        basis: { std: 'exact', quantiles: 'sample', top: 'sample' },
        errors: { quantiles: 0.0053 },
        sample: 65_536
      })
    };
    const profile = jest.fn(async () => profileOf('exact', known, 1000));
    const fake = fakeWorkbench({ catalog: { profile } });
    show(fake, <Columns detail={detailOf(['x'])} asked={null} shown={statisticsOf} />);
    await settle();
    expect(cells(TABLE)).toEqual([
      ['x', '', '', '2.5', '−3', '', '7', '', '', '1,016.35 50 % · 2013-01-01 05:00 UTC 25 %']
    ]);
    const heads = screen.getAllByRole('columnheader').map(({ textContent }) => textContent);
    expect(heads.slice(4, 7)).toEqual(['1 %~', '25 %', 'median~']);
  });

  it.each(HOSTILE)(
    'a column of %s is shown as it is, found by its words, and opened whole',
    async (_what, name) => {
      await columns(
        [name, 'other'],
        jest.fn(async () => profileOf('sample', {}, 1))
      );
      expect(cells(TABLE).map(row => row[0])).toEqual([name, 'other']);
      fireEvent.change(screen.getByLabelText('find a column'), {
        target: { value: ` ${name.slice(2, 12).toUpperCase()} ` }
      });
      expect(cells(TABLE).map(row => row[0])).toEqual([name]);
      expect(screen.getByText('1 column')).toBeTruthy();
      expect(document.querySelector('img[src], script')).toBeNull();
    }
  );
});

describe('a dataset that is unfolded in the panel', () => {
  async function unfolded(catalog: object, kept: Record<string, unknown> = {}): Promise<IFake> {
    const fake = fakeWorkbench({
      catalog: {
        namespaces: async () => pageOf([{ name: 'n', datasets: 1 }]),
        list: async () => pageOf([dataset]),
        ...catalog
      }
    });
    fake.kept.set('catalog:open', [dataset.ref]);
    Object.entries(kept).forEach(([key, value]) => fake.kept.set(key, value));
    show(fake, <CatalogPanel />);
    await settle();
    return fake;
  }
  const rows = (): HTMLElement[] =>
    within(screen.getByRole('tree', { name: 'Datasets' })).getAllByRole('treeitem');
  const wide = async (): Promise<object> =>
    detailOf(Array.from({ length: 11 }, (_, index) => `c${index}`));

  it('shows eight columns with their missing values, and how many more there are', async () => {
    const profile = async (): Promise<object> => profileOf('sample', { c0: sampled(1) }, 8);
    await unfolded({ show: wide, profile });
    expect(rows()).toHaveLength(11); // the namespace, the dataset, eight columns, the rest
    expect(rows()[2]?.textContent).toContain('12.5 % ∅~');
    expect(rows()[10]?.textContent).toBe('3 more columns');
  });

  it('shows its columns also where the profile cannot be read', async () => {
    await unfolded({ show: wide, profile: jest.fn().mockRejectedValue(BROKEN) });
    expect(rows()[2]?.textContent).toContain('c0');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('says the fix where its columns cannot be read; the dataset stays', async () => {
    await unfolded({
      show: jest.fn().mockRejectedValue(BROKEN),
      profile: jest.fn().mockRejectedValue(BROKEN)
    });
    expect(rows()[1]?.dataset.mlinfraRef).toBe(dataset.ref);
    expect(rows()[2]?.textContent).toContain(BROKEN.fix);
  });

  it('is hidden with its namespace, which counts it', async () => {
    const fake = await unfolded({ show: wide }, { 'catalog:closed': ['namespace:n'] });
    expect(rows().map(({ textContent }) => textContent)).toEqual(['n1 dataset']);
    fireEvent.keyDown(rows()[0]!, { key: 'ArrowRight' });
    await settle();
    expect(fake.kept.get('catalog:closed')).toEqual([]);
    expect(rows()[1]?.dataset.mlinfraRef).toBe(dataset.ref);
  });
});

describe('the rows of a dataset', () => {
  const blockOf = (start: number, shown: number, total: number): object => ({
    start,
    columns: [{ name: 'x', type: 'i64' }],
    data: [Array.from({ length: shown }, (_, index) => start + index)],
    shown,
    total,
    snapshot: '7',
    of: total,
    query: PLAIN,
    code: {}
  });

  async function preview(rows: jest.Mock, kept: Record<string, unknown> = {}): Promise<void> {
    const fake = fakeWorkbench({ catalog: { grid: rows } });
    Object.entries(kept).forEach(([key, value]) => fake.kept.set(key, value));
    show(fake, <Preview detail={{ dataset, schema: [] }} going={false} filtering={false} />);
    await settle();
  }

  it('that are few are a table, with what is missing and what is no number', async () => {
    const block = {
      start: 0,
      columns: [
        { name: 'x', type: 'f64' },
        { name: '<u>y</u>', type: 'str' }
      ],
      data: [
        [null, 'NaN', -1e-9],
        ['', null, '<img src=x>']
      ],
      shown: 3,
      total: 3,
      snapshot: '7',
      of: 3,
      query: PLAIN,
      code: {}
    };
    await preview(jest.fn(async () => block));
    expect(cells('Rows of n.a')).toEqual([
      ['∅', ''],
      ['NaN', '∅'],
      ['-1e-9', '<img src=x>']
    ]);
    expect(screen.getByText('3 of 3 rows')).toBeTruthy();
  });

  it('that are many are read by pages, each row once, and a row is gone to by its number', async () => {
    const total = 250;
    const rows = jest.fn(
      async (_name: string, _query: object, { start, count }: { start: number; count: number }) =>
        blockOf(start, Math.min(count, total - start), total)
    );
    await preview(rows, { 'preview:as-table': true });
    const numbers = (): string[] => cells('Rows of n.a').map(row => row[0] ?? '');
    const seen = [...numbers()];
    const next = async (): Promise<void> => {
      fireEvent.click(screen.getByRole('button', { name: 'Next' }));
      await settle();
      seen.push(...numbers());
    };
    await next();
    await next();
    expect(seen).toEqual(Array.from({ length: total }, (_, index) => String(index + 1)));
    expect(screen.getByText('rows 201–250 of 250')).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Next' }).disabled).toBe(true);
    const field = screen.getByLabelText('go to row');
    const go = async (value: string): Promise<void> => {
      fireEvent.change(field, { target: { value } });
      fireEvent.submit(field.closest('form')!);
      await settle();
    };
    for (const value of ['0', '251', '-1', '1.5']) {
      await go(value);
      expect(field.getAttribute('aria-invalid')).toBe('true');
      expect(screen.getByText('1 to 250')).toBeTruthy();
      expect(numbers()[0]).toBe('201');
    }
    await go('101');
    expect(numbers()[0]).toBe('101');
  });

  it('that cannot be read say why and the fix, and are read on Try Again', async () => {
    const rows = jest
      .fn()
      .mockRejectedValueOnce(BROKEN)
      .mockResolvedValue(blockOf(0, 2, 2));
    await preview(rows);
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
    await settle();
    expect(cells('Rows of n.a')).toEqual([['0'], ['1']]);
  });
});

it('snapshots: the list grows without a row twice; nothing added is a dash', async () => {
  const all = Array.from({ length: 120 }, (_, index) => ({
    ref: `dataset:n.a@${120 - index}`,
    id: String(120 - index),
    parent: null,
    at: '2026-01-01T00:00:00Z',
    operation: 'append',
    rows: exactly(1000),
    added: index ? 10 : 0,
    removed: index ? 0 : 7,
    written_by: '',
    refs: {}
  }));
  const snapshots = jest.fn(async (_name: string, { limit }: { limit: number }) =>
    pageOf(all.slice(0, limit), 120)
  );
  show(fakeWorkbench({ catalog: { snapshots } }), <Snapshots dataset={dataset} />);
  await settle();
  const rows = (): string[][] => cells('Snapshots of n.a');
  expect(rows()[0]?.slice(4)).toEqual(['1,000', '–', '−7', '–']);
  expect(rows()[1]?.slice(5, 7)).toEqual(['+10', '–']);
  fireEvent.click(screen.getByRole('button', { name: 'next 50' }));
  await settle();
  const ids = rows().map(([, id]) => id);
  expect([ids.length, new Set(ids).size]).toEqual([100, 100]);
  expect(snapshots.mock.calls.map(([, { limit }]) => limit)).toEqual([50, 100]);
});

it('a value that turns the direction of text leaves the share behind it as it is', () => {
  const profile = { rows: 3, tier: 'exact' } as unknown as IProfile;
  const top = mostFrequent(column({ top: [['\u202e\u2069gnirts', 1]] }), profile);
  expect(top?.value).toBe('\u2068\u202egnirts\u2069 33.3 %');
});

it('says of a very wide table why its shapes are not read, and of a long name its end', async () => {
  const names = [...Array.from({ length: 1000 }, (_, index) => `c${index}`), 'n'.repeat(200)];
  const fake = fakeWorkbench({
    catalog: { profile: async () => ({ columns: {}, tier: 'footer' }) }
  });
  show(fake, <Columns detail={detailOf(names)} asked={null} shown={statisticsOf} />);
  await settle();
  expect(screen.getByText(/more than 1,000 columns/)).toBeTruthy();
  fireEvent.change(screen.getByLabelText('find a column'), { target: { value: 'nn' } });
  expect(screen.getByTitle('n'.repeat(200)).className).toContain('jp-mlinfra-cell');
});
