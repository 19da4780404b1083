import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IDifference, IRun } from '../../api/types';
import {
  BROKEN,
  cells,
  HOSTILE,
  pageOf,
  pass,
  press,
  settle
} from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import ComparePage from '../compare';
import ExperimentPage from '../experiment';
import RunPage from '../run';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const runOf = (id: string, more: Partial<IRun> = {}): IRun => ({
  ref: `run:${id}`,
  id,
  name: id,
  experiment: 'churn',
  status: 'finished',
  user: 'ada',
  started_at: '2026-01-01T00:00:00Z',
  ended_at: null,
  duration_seconds: 61,
  metrics: {},
  params: {},
  tags: {},
  notebook: null,
  job: null,
  datasets: [],
  versions: [],
  step: null,
  ...more
});

describe('a comparison of runs', () => {
  const line = (
    kind: string,
    key: string,
    values: IDifference['values'],
    same = false
  ): IDifference => ({
    kind,
    key,
    values,
    same
  });

  async function compared(
    rows: readonly IDifference[],
    runs: readonly IRun[] = [runOf('a1'), runOf('b2')]
  ): Promise<IFake> {
    const fake = fakeWorkbench({
      experiments: {
        compare: async () => ({ runs, rows, curves: [], code: {}, curve_metrics: [] })
      }
    });
    const ids = runs.map(({ id }) => id).join(',');
    show(fake, <ComparePage reference={`compare:${ids}`} name={ids} />);
    await settle();
    return fake;
  }

  it('of different metrics says which run has none, and which has no number', async () => {
    await compared([
      line('metric', 'auc', [0.75, null]),
      line('metric', 'loss', ['NaN', 12.5]),
      line('metric', 'ratio', ['Infinity', '-Infinity']),
      line('metric', 'tiny', [1e-9, -3]),
      line('metric', 'huge', [1e300, 0])
    ]);
    expect(cells('Metrics').map(row => row.slice(0, 3))).toEqual([
      ['auc', '0.7500', '–'],
      ['loss', 'NaN', '12.50'],
      ['ratio', '∞', '−∞'],
      ['tiny', '1.000e-9', '−3'],
      ['huge', '1.000e+300', '0']
    ]);
  });

  it('a parameter is a text, whatever number it looks like', async () => {
    await compared([line('param', 'seed', ['007', 'Infinity']), line('param', 'lr', ['', null])]);
    expect(cells('Parameters').map(row => row.slice(0, 3))).toEqual([
      ['seed', '007', 'Infinity'],
      ['lr', '', '–']
    ]);
  });

  it('shows what differs, counts what is the same, and shows that with o', async () => {
    await compared([
      line('param', 'depth', ['3', '6']),
      line('param', 'seed', ['1', '1'], true),
      line('tag', 'stage', ['x', 'x'], true)
    ]);
    const only = screen.getByRole<HTMLInputElement>('checkbox', { name: 'only different' });
    expect(only.checked).toBe(true);
    expect(cells('Parameters').map(([name]) => name)).toEqual(['depth']);
    expect(screen.queryByRole('grid', { name: 'Tags' })).toBeNull();
    expect(screen.getByText('2 lines are the same in all')).toBeTruthy();
    fireEvent.keyDown(screen.getByRole('grid', { name: 'Parameters' }), { key: 'o' });
    await settle();
    expect(only.checked).toBe(false);
    expect(cells('Parameters').map(([name]) => name)).toEqual(['depth', 'seed']);
    expect(cells('Tags')).toHaveLength(1);
  });

  it.each(HOSTILE)(
    'of runs, parameters and values of %s shows them as they are',
    async (_what, name) => {
      const fake = await compared(
        [line('param', name, [name, 'x'])],
        [runOf('a1', { name }), runOf('b2', { name: '' })]
      );
      expect(cells('Parameters')[0]?.slice(0, 3)).toEqual([name, name, 'x']);
      expect(document.querySelector('img[src], script')).toBeNull();
      const links = screen
        .getAllByRole('button')
        .filter(({ title }) => ['a1', 'b2'].includes(title));
      expect(links.map(({ textContent }) => textContent)).toEqual([name, 'b2']);
      fireEvent.click(links[0]!);
      expect(fake.open).toHaveBeenCalledWith('run:a1');
    }
  );

  it('of runs with one name tells them apart by their ids', async () => {
    const runs = [runOf('a1', { name: 'owl' }), runOf('b2', { name: 'owl' }), runOf('c3')];
    await compared([line('param', 'depth', ['3', '6', '9'])], runs);
    const heads = screen.getAllByRole('button').filter(({ title }) => /^[abc]\d$/.test(title));
    expect(heads.map(({ textContent }) => textContent)).toEqual(['owl a1', 'owl b2', 'c3']);
  });

  it('of one run asks nothing and says what it takes', async () => {
    await compared([], [runOf('a1')]);
    expect(screen.getByText('A comparison takes two runs or more.')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

describe('the runs of an experiment', () => {
  async function opened(runs: jest.Mock): Promise<IFake> {
    const fake = fakeWorkbench({ experiments: { runs } });
    show(fake, <ExperimentPage reference="experiment:churn" name="churn" />);
    await settle();
    return fake;
  }
  const filter = (): HTMLElement => screen.getByRole('searchbox', { name: 'Filter the runs' });
  const compare = (): HTMLButtonElement => screen.getByRole('button', { name: /^Compare/ });

  it('that were picked stay picked in a longer list, and x compares them', async () => {
    const all = Array.from({ length: 120 }, (_, index) => runOf(`r${index}`));
    const runs = jest.fn(async ({ limit }: { limit: number }) => pageOf(all.slice(0, limit), 120));
    const fake = await opened(runs);
    expect(cells('Runs')).toHaveLength(50);
    expect(compare().disabled).toBe(true);
    const rows = (): HTMLElement[] => screen.getAllByRole('row').slice(1);
    act(() => rows()[0]!.focus());
    press(' ');
    press('ArrowDown');
    press(' ');
    fireEvent.click(screen.getByRole('button', { name: 'next 50' }));
    await settle();
    const names = cells('Runs').map(row => row[1]);
    expect([names.length, new Set(names).size]).toEqual([100, 100]);
    expect(compare().textContent).toBe('Compare 2');
    fireEvent.keyDown(rows()[3]!, { key: 'x' });
    await settle();
    expect(fake.open.mock.calls).toEqual([['compare:r0,r1']]);
  });

  it('that are picked and hidden by a filter are not counted until they are shown', async () => {
    const all = [runOf('a'), runOf('b'), runOf('c')];
    const runs = jest.fn(async ({ where }: { where: string }) => pageOf(where ? [] : all));
    await opened(runs);
    act(() => screen.getAllByRole('row')[1]!.focus());
    press(' ');
    press('ArrowDown');
    press(' ');
    expect(compare().textContent).toBe('Compare 2');
    const filtered = async (where: string): Promise<void> => {
      fireEvent.change(filter(), { target: { value: where } });
      await pass(500);
    };
    await filtered('metrics.auc > 2');
    expect([compare().textContent, compare().disabled]).toEqual(['Compare', true]);
    expect(screen.queryByText('2 runs picked')).toBeNull();
    await filtered('');
    expect(compare().textContent).toBe('Compare 2');
  });

  it('missing metrics are dashes and stand at the end; what is no number says so', async () => {
    const runs = jest.fn(async () =>
      pageOf([
        runOf('a', { metrics: { auc: 'NaN', loss: -2 }, params: { depth: '3' } }),
        runOf('b', { metrics: { auc: 1e-9 }, params: {}, duration_seconds: null })
      ])
    );
    await opened(runs);
    const heads = screen.getAllByRole('columnheader').map(({ textContent }) => textContent);
    expect(heads).toEqual(expect.arrayContaining(['auc', 'loss', 'depth']));
    const column = (head: string): (string | undefined)[] =>
      cells('Runs').map(row => row[heads.indexOf(head)]);
    expect(column('auc')).toEqual(['NaN', '1.000e-9']);
    expect(column('loss')).toEqual(['−2', '–']);
    expect(column('depth')).toEqual(['3', '–']);
    expect(column('took')).toEqual(['1:01', '–']);
  });

  it('a filter that cannot be read says why and the fix; one that can brings the rows back', async () => {
    const runs = jest.fn(async ({ where }: { where: string }) => {
      if (where === 'metrics.auc >') {
        throw BROKEN;
      }
      return pageOf(where ? [] : [runOf('a')]);
    });
    await opened(runs);
    fireEvent.change(filter(), { target: { value: 'metrics.auc >' } });
    await pass(500);
    await settle();
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    fireEvent.change(filter(), { target: { value: 'metrics.auc > 2' } });
    await pass(500);
    await settle();
    expect(screen.getByText('No run of this experiment fits the filter.')).toBeTruthy();
    expect(screen.getByText('0 of 0 runs')).toBeTruthy();
    fireEvent.change(filter(), { target: { value: '' } });
    await pass(10);
    await settle();
    expect(cells('Runs')).toHaveLength(1);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('of a store that counts none beyond what it read are said to be the first', async () => {
    await opened(jest.fn(async () => ({ ...pageOf([runOf('a')]), more: true })));
    expect(screen.getByText('the first 1 runs')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'next 50' })).toBeTruthy();
  });
});

describe('the metrics of a run', () => {
  async function opened(metrics: IRun['metrics'], curve: jest.Mock): Promise<void> {
    const run = runOf('7f3a', { metrics });
    const fake = fakeWorkbench({ experiments: { run: async () => run, curve } });
    show(fake, <RunPage reference={run.ref} name={run.id} />);
    await settle();
  }

  it('are sorted as numbers, what is none at the end in either order', async () => {
    const metrics = { a: 9, b: 'NaN', c: 10, d: '-Infinity' } as const;
    await opened(metrics, jest.fn().mockRejectedValue(BROKEN));
    const values = (): (string | undefined)[] => cells('Metrics').map(row => row[1]);
    expect(values()).toEqual(['9', 'NaN', '10', '−∞']);
    fireEvent.click(screen.getByRole('button', { name: 'last' }));
    expect(values()).toEqual(['10', '9', '−∞', 'NaN']);
    fireEvent.click(screen.getByRole('button', { name: 'last' }));
    expect(values()).toEqual(['−∞', '9', '10', 'NaN']);
  });

  it('stay when no curve can be read, and of many the curves come eight at a time', async () => {
    const metrics = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`m${index}`, index])
    );
    const curve = jest.fn().mockRejectedValue(BROKEN);
    await opened(metrics, curve);
    expect(cells('Metrics')).toHaveLength(20);
    expect(curve).toHaveBeenCalledTimes(8);
    expect(screen.getByText(/curves of 8 of 20 metrics/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'next 8' }));
    await settle();
    expect(new Set(curve.mock.calls.map(([, name]) => String(name))).size).toBe(16);
  });
});
