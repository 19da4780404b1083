import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { type IFake, fakeWorkbench, show } from '../../components/__tests__/workbench';
import DatasetPage from '../dataset';

const settle = async (): Promise<void> => {
  for (let step = 0; step < 3; step++) {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve));
    });
  }
};

/** The page of a dataset with one column, on its list of snapshots. */
async function onSnapshots(): Promise<{ fake: IFake; profile: jest.Mock; press: (key: string) => Promise<void> }> {
  const dataset = {
    ref: 'dataset:n.a',
    name: 'n.a',
    namespace: 'n',
    rows: { value: 1000, basis: 'exact', n: null, error: null },
    bytes: 10,
    snapshot: '7',
    updated_at: null,
    owner: '',
    tags: [],
    description: ''
  };
  const columns = [{ name: 'x', type: 'i64', used_by: [] }];
  const profile = jest.fn(() => new Promise(() => undefined));
  const catalog = {
    show: async () => ({ dataset, schema: columns, newer: 0, code: {} }),
    snapshots: async () => ({ items: [], shown: 0, total: 0 }),
    rows: async () => ({ columns, data: [[1]], start: 0, shown: 1, total: 1000, snapshot: '7' }),
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
    expect(profile).toHaveBeenCalledWith('n.a', 'exact', expect.anything());
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
    expect(profile).not.toHaveBeenCalledWith('n.a', 'exact', expect.anything());
  });
});
