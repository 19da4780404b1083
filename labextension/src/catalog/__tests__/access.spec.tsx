import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IDataset } from '../../api/types';
import { BROKEN, cells, exactly, pageOf } from '../../components/__tests__/samples';
import { type IFake, fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Access } from '../access';
import { PLAIN } from '../grid/query';
import DatasetPage from '../page/page';

// Lumino's grid wants a canvas, which jsdom has not.
jest.mock('../../components/grid', () => ({ Grid: () => null }));

const dataset = {
  ref: 'dataset:hr.people',
  name: 'hr.people',
  rows: exactly(1),
  bytes: 10,
  snapshot: '7',
  updated_at: null,
  owner: '',
  tags: [],
  signs: {},
  description: '',
  domain: ''
} as unknown as IDataset;

const column = (name: string, ...tags: string[]): object => ({
  name,
  type: 'str',
  required: false,
  doc: '',
  used_by: [],
  tags
});
const schema = [column('city'), column('email', 'PII'), column('phone', 'pii', 'gold')];

const settle = async (): Promise<void> => {
  for (let step = 0; step < 4; step++) {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve));
    });
  }
};

interface IAsked {
  reveal?: boolean;
}

/** A page on its rows: values are `•••` unless they are asked for. */
async function onPage(
  refused?: ApiError
): Promise<{ fake: IFake; grid: jest.Mock; profile: jest.Mock }> {
  const grid = jest.fn(async (_name: string, query: object, { reveal }: IAsked) => {
    if (reveal && refused) {
      throw refused;
    }
    const data = [['Ulm'], [reveal ? 'ana@example.org' : '•••'], [reveal ? '0731' : '•••']];
    return {
      start: 0,
      columns: schema,
      data,
      shown: 1,
      total: 1,
      of: 1,
      snapshot: '7',
      query,
      code: {}
    };
  });
  const profile = jest.fn(() => new Promise(() => undefined));
  const shown = async (): Promise<object> => ({
    dataset,
    schema,
    snapshots: 1,
    newer: 0,
    code: {}
  });
  const audit = async (): Promise<object> => pageOf([]);
  const fake = fakeWorkbench({ catalog: { show: shown, grid, profile, audit } });
  fake.kept.set('view:dataset:hr.people', 'preview');
  show(fake, <DatasetPage reference="dataset:hr.people" name="hr.people" />);
  await settle();
  return { fake, grid, profile };
}

/** Ask for the values, and answer the dialog; its words. */
async function answer(how: 'accept' | 'reject'): Promise<string> {
  fireEvent.click(screen.getByRole('button', { name: 'Reveal Values…' }));
  await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeTruthy());
  const words = document.querySelector('.jp-Dialog')?.textContent ?? '';
  act(() => document.querySelector<HTMLElement>(`.jp-Dialog .jp-mod-${how}`)?.click());
  await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeNull());
  await settle();
  return words;
}

describe('masked columns on the page of a dataset', () => {
  it('are revealed once the user knows that it is recorded, and masked again', async () => {
    const { grid, profile } = await onPage();
    expect(screen.getByText('2 masked columns: email, phone')).toBeTruthy();
    expect(await answer('reject')).toContain('audit log');
    expect(grid).toHaveBeenCalledTimes(1);
    expect(screen.queryByText('ana@example.org')).toBeNull();
    await answer('accept');
    const asked = { start: 0, count: 200, snapshot: '7', reveal: true };
    expect(grid).toHaveBeenLastCalledWith('hr.people', PLAIN, asked, expect.anything());
    expect(screen.getByText('ana@example.org')).toBeTruthy();
    fireEvent.click(screen.getByRole('tab', { name: 'Columns' }));
    await settle();
    const all = { tier: 'sample', reveal: true };
    expect(profile).toHaveBeenLastCalledWith('hr.people', all, expect.anything());
    fireEvent.click(screen.getByRole('button', { name: 'Mask Again' }));
    await settle();
    expect(profile).toHaveBeenLastCalledWith('hr.people', { tier: 'sample' }, expect.anything());
    fireEvent.click(screen.getByRole('tab', { name: 'Preview' }));
    await settle();
    expect(screen.queryByText('ana@example.org')).toBeNull();
    expect(screen.getByText('Ulm')).toBeTruthy();
  });

  it('say who grants the right to whoever has it not', async () => {
    const fix = 'Ask whoever runs the server for that right.';
    await onPage(new ApiError('forbidden', 'You may not see masked values.', '', fix, 403));
    await answer('accept');
    expect(screen.getByText(fix)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Mask Again' }));
    await settle();
    expect(screen.getByText('Ulm')).toBeTruthy();
  });
});

describe('the access to a dataset', () => {
  const columns = schema as Parameters<typeof Access>[0]['columns'];
  const seen = (id: number, face: string): object => ({
    id,
    at: `2026-11-2${id}T10:00:00Z`,
    user: 'ana',
    verb: 'grid',
    dataset: 'hr.people',
    columns: ['email', 'phone'],
    face
  });

  it('names the masked columns, and who saw their values', async () => {
    const audit = jest.fn(async () => pageOf([seen(2, 'rest'), seen(1, 'cli')], 60));
    const client = { catalog: { audit } };
    show(fakeWorkbench(client), <Access dataset={dataset} columns={columns} />);
    await settle();
    expect(cells('Masked columns of hr.people').map(([name]) => name)).toEqual(['email', 'phone']);
    const rows = cells('Who saw masked values of hr.people').map(row => row.slice(1));
    expect(rows).toEqual([
      ['ana', 'email, phone', 'grid', 'in a panel, or over REST'],
      ['ana', 'email, phone', 'grid', 'at the command line']
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'next 50' }));
    await settle();
    expect(audit).toHaveBeenLastCalledWith('hr.people', { limit: 100 }, expect.anything());
  });

  it('says that nothing is masked, that nobody saw it, and what cannot be read', async () => {
    const none = { catalog: { audit: async () => pageOf([]) } };
    show(fakeWorkbench(none), <Access dataset={dataset} columns={columns.slice(0, 1)} />);
    await settle();
    expect(screen.getByText(/^None: .* press t on it in the tab Columns/)).toBeTruthy();
    expect(screen.getByText('%catalog tag column:hr.people.COLUMN pii')).toBeTruthy();
    expect(screen.getByText('Nobody has.')).toBeTruthy();
    const broken = { catalog: { audit: async () => Promise.reject(BROKEN) } };
    show(fakeWorkbench(broken), <Access dataset={dataset} columns={columns} />);
    await settle();
    expect(screen.getByText(BROKEN.what)).toBeTruthy();
  });
});
