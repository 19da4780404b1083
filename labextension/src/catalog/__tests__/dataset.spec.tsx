import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import type { IDatasetDetail } from '../../api/types';
import { type IFake, fakeWorkbench, framed, show } from '../../components/__tests__/workbench';
import { Arrivals, PageContext } from '../../hooks/page';
import { PLAIN } from '../grid/query';
import DatasetPage from '../page/page';

const settle = async (): Promise<void> => {
  for (let step = 0; step < 3; step++) {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve));
    });
  }
};

const DATASET = {
  ref: 'dataset:n.a',
  name: 'n.a',
  namespace: 'n',
  rows: { value: 1000, basis: 'exact', n: null, error: null },
  bytes: 10,
  snapshot: '7',
  updated_at: null,
  owner: '',
  tags: [],
  signs: {},
  description: ''
};

/** The page of a dataset with one column, on its list of snapshots. */
async function onSnapshots(): Promise<{
  fake: IFake;
  profile: jest.Mock;
  press: (key: string) => Promise<void>;
}> {
  const dataset = DATASET;
  const columns = [{ name: 'x', type: 'i64', used_by: [], tags: [] }];
  const profile = jest.fn(() => new Promise(() => undefined));
  const catalog = {
    show: async () => ({ dataset, schema: columns, newer: 0, code: {} }),
    snapshots: async () => ({ items: [], shown: 0, total: 0 }),
    grid: async () => ({
      columns,
      data: [[1]],
      start: 0,
      shown: 1,
      total: 1000,
      snapshot: '7',
      of: 1000,
      query: PLAIN,
      code: {}
    }),
    profile
  };
  const fake = fakeWorkbench({ catalog });
  fake.kept.set('view:dataset:n.a', 'snapshots');
  show(fake, <DatasetPage reference="dataset:n.a" name="n.a" />);
  await settle();
  const press = async (key: string): Promise<void> => {
    fireEvent.keyDown(screen.getByRole('tab', { selected: true }), { key });
    await settle();
  };
  return { fake, profile, press };
}

// Lumino's grid wants a canvas, which jsdom has not.
jest.mock('../../components/grid', () => ({ Grid: () => null }));

describe('one press of a key on the page of a dataset', () => {
  it('e runs the exact profile', async () => {
    const { profile, press } = await onSnapshots();
    await press('e');
    expect(profile).toHaveBeenCalledWith('n.a', { tier: 'exact' }, expect.anything());
  });

  it('f goes to the field that finds a column, of a dataset with few columns too', async () => {
    const { press } = await onSnapshots();
    await press('f');
    expect(document.activeElement).toBe(screen.getByLabelText('find a column'));
  });

  it('g goes to the field that takes the number of a row', async () => {
    const { press } = await onSnapshots();
    await press('g');
    expect(document.activeElement).toBe(screen.getByLabelText('go to row'));
  });

  it('and a tab that is chosen by hand does nothing else', async () => {
    const { profile, press } = await onSnapshots();
    await press('e');
    fireEvent.click(screen.getByRole('tab', { name: 'Snapshots' }));
    await settle();
    profile.mockClear();
    fireEvent.click(screen.getByRole('tab', { name: 'Columns' }));
    await settle();
    expect(profile).not.toHaveBeenCalledWith('n.a', { tier: 'exact' }, expect.anything());
  });
});

/** A server on which the dataset has as many snapshots as a test says. */
function growing(): { client: object; grow: () => void; show: jest.Mock; profile: jest.Mock } {
  let snapshot = 7;
  const columns = ['x', 'y'].map(name => ({ name, type: 'i64', used_by: [], tags: [] }));
  const shown = jest.fn(async (name: string): Promise<Partial<IDatasetDetail>> => {
    const at = Number(name.split('@')[1] ?? snapshot);
    const dataset = {
      ...DATASET,
      snapshot: String(at),
      rows: { ...DATASET.rows, value: 100 * at }
    };
    const record = {
      dataset,
      schema: columns,
      snapshots: snapshot,
      newer: snapshot - at,
      code: {}
    };
    return record as unknown as IDatasetDetail;
  });
  const profile = jest.fn(() => new Promise(() => undefined));
  const catalog = {
    show: shown,
    profile,
    snapshots: async () => ({ items: [], shown: 0, total: 0 })
  };
  return { client: { catalog }, grow: () => (snapshot += 1), show: shown, profile };
}

describe('the page of a dataset that grows', () => {
  it('says how many snapshots came since, and shows them when it is told to', async () => {
    const { client, grow } = growing();
    const fake = fakeWorkbench(client);
    show(fake, <DatasetPage reference="dataset:n.a" name="n.a" />);
    await settle();
    expect(screen.queryByText(/newer/)).toBeNull();
    grow();
    await act(async () => {
      fake.emit({ topic: 'dataset', ref: 'dataset:n.a', data: {} });
      await new Promise(resolve => setTimeout(resolve, 700));
    });
    expect(screen.getByText('1 snapshot newer')).toBeTruthy();
    expect(screen.getByText('700')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Update' }));
    await settle();
    expect(screen.queryByText(/newer/)).toBeNull();
    expect(screen.getByText('800')).toBeTruthy();
  });

  it('shows at once what its user did with the rows of this dataset, and of no other', async () => {
    const { client, grow } = growing();
    const fake = fakeWorkbench(client);
    show(fake, <DatasetPage reference="dataset:n.a" name="n.a" />);
    await settle();
    grow();
    const tell = (ref: string, data: object): Promise<void> =>
      act(async () => {
        fake.emit({ topic: 'dataset', ref, data: { ...data } });
        await new Promise(resolve => setTimeout(resolve, 700));
      });
    await tell('dataset:n.b', { own: true });
    await tell('dataset:n.a', {});
    expect(screen.getByText('1 snapshot newer')).toBeTruthy();
    await tell('dataset:n.a', { own: true });
    expect(screen.queryByText(/newer/)).toBeNull();
    expect(screen.getByText('800')).toBeTruthy();
  });

  it('shows the newest rows when its user refreshes it', async () => {
    const { client, grow } = growing();
    show(fakeWorkbench(client), <DatasetPage reference="dataset:n.a" name="n.a" />);
    await settle();
    grow();
    fireEvent.click(screen.getByRole('button', { name: 'Refresh' }));
    await settle();
    expect(screen.getByText('800')).toBeTruthy();
    expect(screen.queryByText(/newer/)).toBeNull();
  });

  it.each([true, false])(
    'shows the newest rows when it is asked for again, in sight: %s',
    async inSight => {
      const { client, grow } = growing();
      const fake = fakeWorkbench(client);
      const page = (turn: number): React.ReactElement =>
        framed(
          fake,
          <PageContext.Provider
            value={{ target: '', turn, arrive: () => null, close: () => undefined }}
          >
            <DatasetPage reference="dataset:n.a" name="n.a" />
          </PageContext.Provider>
        );
      const { rerender } = render(page(0));
      await settle();
      grow();
      act(() => void (fake.visibility.shown = inSight));
      rerender(page(1));
      await settle();
      act(() => void (fake.visibility.shown = true));
      await settle();
      expect(screen.getByText('800')).toBeTruthy();
      expect(screen.queryByText(/newer/)).toBeNull();
    }
  );

  it('at a snapshot shows that one, and Update goes to the newest', async () => {
    const { client, show: asked, profile } = growing();
    const fake = fakeWorkbench(client);
    show(fake, <DatasetPage reference="dataset:n.a@5" name="n.a" />);
    await settle();
    expect(asked).toHaveBeenCalledWith('n.a@5', expect.anything());
    expect(profile).toHaveBeenCalledWith('n.a@5', { tier: 'sample' }, expect.anything());
    expect(screen.getByText('2 snapshots newer')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Update' }));
    expect(fake.open).toHaveBeenCalledWith('dataset:n.a');
  });
});

it('a page that was asked for by one of its columns selects it, on whatever tab it was left', async () => {
  Element.prototype.scrollIntoView = jest.fn();
  const fake = fakeWorkbench(growing().client);
  fake.kept.set('view:dataset:n.a', 'snapshots');
  const arrivals = new Arrivals(document.body);
  const { arrive } = arrivals;
  const page = (target: string, turn: number): React.ReactElement =>
    framed(
      fake,
      <PageContext.Provider value={{ target, turn, arrive, close: () => undefined }}>
        <DatasetPage reference="dataset:n.a" name="n.a" />
      </PageContext.Provider>
    );
  arrivals.ask(0);
  const { rerender } = render(page('column:n.a.y', 0));
  await settle();
  const row = (): HTMLElement => screen.getByRole('row', { selected: true });
  expect(row().dataset.mlinfraRef).toBe('column:n.a.y');
  expect(document.activeElement).toBe(row());
  fireEvent.click(screen.getByRole('tab', { name: 'Snapshots' }));
  await settle();
  expect(screen.queryByRole('row', { selected: true })).toBeNull();
  arrivals.ask(1);
  rerender(page('column:n.a.x', 1));
  await settle();
  expect(row().dataset.mlinfraRef).toBe('column:n.a.x');
  // Asked for, and left before its columns were drawn: the tab that is chosen by hand does not take
  // the focus.
  const tab = (name: string): HTMLElement => screen.getByRole('tab', { name });
  fireEvent.click(tab('Snapshots'));
  arrivals.ask(1);
  act(() => tab('Snapshots').focus());
  fireEvent.click(tab('Columns'));
  await settle();
  expect(document.activeElement).toBe(tab('Snapshots'));
});

describe('the page of a table of another domain', () => {
  it('keeps its place while the table grows, until its user refreshes it', async () => {
    let minute = 0;
    const block = {
      columns: [{ name: 'x', type: 'i64' }],
      data: [[1]],
      start: 0,
      shown: 1,
      total: 9,
      snapshot: null,
      of: 9,
      query: PLAIN,
      code: {}
    };
    const rows = jest.fn(async () => ({ ...block, data: [[70 + minute]] }));
    const shown = jest.fn(async () => ({
      dataset: {
        ...DATASET,
        rows: { ...DATASET.rows, value: 500 + minute },
        snapshot: null,
        updated_at: `2026-11-24T08:0${minute}:00Z`,
        domain: 'monitoring'
      },
      schema: [],
      newer: 0,
      code: {}
    }));
    const fake = fakeWorkbench({ catalog: { show: shown, grid: rows } });
    fake.kept.set('view:dataset:n.a', 'preview');
    show(fake, <DatasetPage reference="dataset:n.a" name="n.a" />);
    await settle();
    const cell = screen.getByText('70');
    minute = 1;
    await act(async () => {
      fake.emit({ topic: 'dataset', ref: 'dataset:n.a', data: {} });
      await new Promise(resolve => setTimeout(resolve, 700));
    });
    expect(screen.getByText('501')).toBeTruthy();
    expect(screen.getByText('70')).toBe(cell);
    expect(rows).toHaveBeenCalledTimes(1);
    minute = 2;
    fireEvent.click(screen.getByRole('button', { name: 'Refresh' }));
    await settle();
    expect(rows).toHaveBeenCalledTimes(2);
    expect(screen.getByText('72')).toBeTruthy();
  });

  it('shows the versions of a Delta table that is read in place', async () => {
    const fake = fakeWorkbench({
      catalog: {
        show: async () => ({
          dataset: { ...DATASET, snapshot: '3', domain: 'delta' },
          schema: [],
          snapshots: 4,
          newer: 0,
          code: {}
        })
      }
    });
    fake.kept.set('view:dataset:n.a', 'columns');
    show(fake, <DatasetPage reference="dataset:n.a" name="n.a" />);
    await settle();
    expect(screen.getAllByRole('tab').map(({ textContent }) => textContent)).toEqual([
      'Preview',
      'Columns',
      'Profile',
      'Snapshots',
      'Quality',
      'Access'
    ]);
    expect(screen.getByText('delta, read in place')).toBeTruthy();
  });

  it('says whose it is, and has neither snapshots nor lineage', async () => {
    const dataset = {
      ...DATASET,
      ref: 'dataset:monitoring.a_series',
      name: 'monitoring.a_series',
      snapshot: null,
      updated_at: '2026-11-24T08:00:00Z',
      bytes: null,
      domain: 'monitoring'
    };
    const rows = jest.fn(async () => ({
      columns: [{ name: 'x', type: 'i64' }],
      data: [[1]],
      start: 0,
      shown: 1,
      total: 10000,
      snapshot: null,
      of: 10000,
      query: PLAIN,
      code: {}
    }));
    const fake = fakeWorkbench({
      catalog: { show: async () => ({ dataset, schema: [], newer: 0, code: {} }), grid: rows }
    });
    fake.kept.set('view:dataset:monitoring.a_series', 'preview');
    show(fake, <DatasetPage reference="dataset:monitoring.a_series" name="monitoring.a_series" />);
    await settle();
    expect(screen.getByText('table of monitoring, read-only')).toBeDefined();
    expect(screen.getAllByRole('tab').map(({ textContent }) => textContent)).toEqual([
      'Preview',
      'Columns',
      'Profile'
    ]);
    expect(
      screen.getByText('only the first rows; SQL, filters and groups read all of them')
    ).toBeDefined();
    expect(rows).toHaveBeenCalledWith(
      'monitoring.a_series',
      PLAIN,
      { start: 0, count: 200, snapshot: null },
      expect.anything()
    );
  });
});
