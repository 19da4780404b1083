import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IDataset } from '../../api/types';
import { CareTab } from '../care';
import { careActions } from '../commands/care';
import { labelActions } from '../commands/labels';
import { move, remove } from '../careverbs';
import { Trash } from '../trash';

const DATASET = { ref: 'dataset:n.a', name: 'n.a', domain: '' } as IDataset;
const CARE = {
  dataset: 'n.a',
  tier: 'hot',
  tiers: ['hot', 'cold'],
  location: '/lake/n/a',
  files: 214,
  small: 200,
  deletes: 0,
  bytes: 5_000_000,
  all_files: 300,
  all_bytes: 9_000_000,
  snapshots: 12,
  reads: 3,
  read_at: null,
  duplicates: [{ dataset: 'n.b', files: 2 }],
  suggestion: {
    verb: 'move',
    why: 'Nobody has read or written it for 41 days.',
    command: 'mlinfra catalog move n.a --tier cold'
  }
};
const FILE = { bytes: 10, age_hours: 99, why: 'no snapshot has it' };

const call = (client: object, args: object = {}): Parameters<typeof move>[0] => ({
  workbench: fakeWorkbench(client).workbench,
  ref: 'dataset:n.a',
  name: 'n.a',
  item: undefined,
  args: args as Parameters<typeof move>[0]['args']
});

describe('the care of a dataset', () => {
  it('shows how it is kept, the one suggestion, and looks for files only when asked', async () => {
    const plan = {
      dataset: 'n.a',
      orphans: [{ ...FILE, file: '/lake/n/a/data/one.parquet' }],
      kept: [{ ...FILE, file: '/lake/n/a/notes.txt', why: 'somebody else put it there' }],
      more: 0
    };
    const orphans = jest.fn(async () => plan);
    show(
      fakeWorkbench({ catalog: { care: async () => CARE, orphans } }),
      <CareTab dataset={DATASET} />
    );
    expect(await screen.findByText(/for 41 days/)).toBeTruthy();
    expect(document.body.textContent).toContain('214 files, 5 MB');
    expect(document.body.textContent).toContain('n.b 2');
    expect(orphans).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Look for Them' }));
    expect(await screen.findByText('notes.txt')).toBeTruthy();
    expect(document.body.textContent).toContain('can be deleted');
    expect(document.body.textContent).toContain('is kept');
  });

  it('moves to a tier, and back', async () => {
    const job = { id: 'j', ref: 'job:j', state: 'succeeded' };
    const moved = jest.fn(async () => job);
    const client = {
      catalog: { care: async () => CARE, move: moved },
      jobs: { show: async () => job }
    };
    const outcome = await move(call(client, { tier: 'cold' }));
    expect(moved).toHaveBeenCalledWith('n.a', 'cold');
    expect(outcome).toMatchObject({
      undo: { command: 'mlinfra:catalog-move', args: { ref: 'dataset:n.a', tier: 'hot' } }
    });
  });

  it('deletes into the trash, which can be taken back; what was registered cannot', async () => {
    const trashed = await remove(call({ catalog: { remove: async () => ({ trash: 7 }) } }));
    expect(trashed).toMatchObject({
      undo: { command: 'mlinfra:catalog-restore', args: { ref: 'dataset:n.a', trashed: 7 } }
    });
    const gone = await remove(call({ catalog: { remove: async () => ({ trash: null }) } }));
    expect(gone).toMatchObject({ undo: undefined });
    // The menu of a dataset that there is does not offer to restore it.
    const [restore] = careActions(fakeWorkbench().workbench.trans).filter(({ id }) =>
      id.endsWith('restore')
    );
    expect(restore?.hidden?.(undefined)).toBe(true);
  });

  it('is not for tables of other domains; what people say of a table in place is edited', () => {
    const [label] = labelActions(fakeWorkbench().workbench.trans);
    const why = (domain: string): unknown => label?.blocked?.({ domain } as IDataset);
    expect(['', 'csv', 'delta'].map(why)).toEqual([null, null, null]);
    expect(why('monitoring')).toBe('It is a table of monitoring, which alone writes it.');
  });
});

it('the trash lists deleted datasets with a button that restores each', async () => {
  const at = '2026-11-20T10:00:00Z';
  const item = { id: 7, name: 'n.a', rows: 3, bytes: 10, at, user: 'ana', until: at };
  const fake = fakeWorkbench({
    catalog: { trash: async () => ({ items: [item], shown: 1, total: 1 }) }
  });
  fake.kept.set('section:catalog:trash', true);
  show(fake, <Trash />);
  expect(await screen.findByText('n.a')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Restore' })).toBeTruthy();
});
