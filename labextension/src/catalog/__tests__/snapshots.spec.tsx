import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import type { IDataset, ISnapshot } from '../../api/types';
import { fakeWorkbench, framed } from '../../components/__tests__/workbench';
import { restore, tag, untag } from '../earlier';
import { Expiry } from '../expiry';
import { RevealedContext } from '../page/revealed';
import { Snapshots } from '../snapshots';

const settle = async (): Promise<void> => {
  for (let step = 0; step < 3; step++) {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve));
    });
  }
};

const snapshot = (id: string, refs: Record<string, string> = {}): ISnapshot =>
  ({
    ref: `dataset:n.a@${id}`,
    id,
    at: `2026-05-0${id}T12:00:00Z`,
    operation: 'append',
    rows: { value: 10, basis: 'exact', n: null, error: null },
    added: 1,
    removed: 0,
    updated: 0,
    written_by: '',
    refs,
    restored_from: null
  }) as unknown as ISnapshot;

const ITEMS = [
  snapshot('3'),
  snapshot('2', { gold: 'tag' }),
  { ...snapshot('1'), written_by: 'user:ana' }
];

const NO_ROWS = { columns: ['id'], data: [[]], before: [] };
const DIFF = {
  dataset: 'n.a',
  added: 1,
  removed: 0,
  updated: 0,
  changed: 2,
  schema: { added: { z: 'str' }, removed: {}, renamed: {}, retyped: {} },
  statistics: { id: { max: [3, 4], mean: [10629.5, 10629.500002] } },
  alike: 1,
  examples: {
    added: { columns: ['id', 'x'], data: [[4], ['new']], before: [] },
    removed: NO_ROWS,
    changed: { columns: ['id', 'x'], data: [[2], ['now']], before: [[2], ['then']] }
  },
  files_read: 2,
  note: ''
};

const dataset = { ref: 'dataset:n.a', name: 'n.a', snapshot: '3' } as unknown as IDataset;

async function shown(comparing = false, of = dataset): Promise<{ diff: jest.Mock }> {
  const diff = jest.fn(async () => DIFF);
  const catalog = {
    snapshots: async () => ({ items: ITEMS, shown: 3, total: 3 }),
    diff
  };
  const fake = fakeWorkbench({ catalog, code: async () => ({ python: '…' }) });
  render(framed(fake, <Snapshots dataset={of} comparing={comparing} />));
  await settle();
  return { diff };
}

const pick = (row: number): void => {
  const box = screen.getAllByRole('checkbox', { name: 'Pick' })[row];
  fireEvent.click(box!);
};

describe('the snapshots of a dataset', () => {
  it('compares versions of a Delta table in place, and neither restores nor expires one', async () => {
    await shown(false, { ...dataset, domain: 'delta' });
    pick(1);
    for (const name of ['Restore', 'Tag…', 'Expire…']) {
      expect(screen.queryByRole('button', { name })).toBeNull();
    }
    expect(screen.getByRole('button', { name: 'Compare' })).toBeTruthy();
  });

  it('names a user as people call them', async () => {
    await shown();
    expect(screen.getByTitle('user:ana').textContent).toBe('ana');
  });

  it('compares the two that are picked, the earlier one first', async () => {
    const { diff } = await shown();
    expect(screen.getByText('gold')).toBeTruthy();
    pick(0);
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Compare' }).disabled).toBe(true);
    pick(2);
    fireEvent.click(screen.getByRole('button', { name: 'Compare' }));
    await settle();
    expect(diff).toHaveBeenCalledWith(
      'n.a',
      { before: '1', after: '3', key: '' },
      expect.anything()
    );
    expect(screen.getByText('z is new, str')).toBeTruthy();
    const figures = screen.getByRole('grid', { name: 'Statistics that differ' }).textContent;
    expect(figures).toContain('idmax34');
    expect(figures).toContain('idmean10,629.510,629.500002');
    expect(screen.getByText('1 column has the same figures')).toBeTruthy();
    expect(screen.getByRole('grid', { name: 'Rows that came' }).textContent).toContain('new');
    expect(screen.queryByRole('grid', { name: 'Rows that went' })).toBeNull();
    const changed = screen.getByRole('grid', { name: 'Rows that changed' });
    expect(changed.querySelector('del')?.textContent).toBe('then');
    expect(changed.querySelector('ins')?.textContent).toBe('now');
    fireEvent.click(screen.getByRole('button', { name: 'Back' }));
    expect(screen.getByRole('grid', { name: 'Snapshots of n.a' })).toBeTruthy();
  });

  it('compares by the columns of a key', async () => {
    const { diff } = await shown(true);
    fireEvent.change(screen.getByLabelText('key'), { target: { value: ' id ' } });
    fireEvent.click(screen.getByRole('button', { name: 'Compare by Key' }));
    await settle();
    expect(diff).toHaveBeenLastCalledWith(
      'n.a',
      { before: '2', after: '3', key: 'id' },
      expect.anything()
    );
  });

  it('offers to restore and to tag the one that is picked', async () => {
    await shown();
    expect(screen.queryByRole('button', { name: 'Restore' })).toBeNull();
    pick(1);
    expect(screen.getByRole('button', { name: 'Restore' })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Tag…' })).toBeTruthy();
  });
});

describe('what is done with a snapshot', () => {
  const call = (client: object, ref: string, more: object = {}): never => {
    const fake = fakeWorkbench({ catalog: client });
    return {
      workbench: fake.workbench,
      ref,
      name: 'n.a',
      item: ITEMS[1],
      args: {},
      ...more
    } as never;
  };

  it('is undone: a restore by one to what was there, a tag by taking it off', async () => {
    const done = { undo: 'mlinfra catalog restore n.a 3.2', snapshot: '4' };
    const answered = await restore(call({ restoreSnapshot: async () => done }, 'dataset:n.a@1'));
    expect(answered?.undo).toEqual({
      command: 'mlinfra:catalog-restore-snapshot',
      args: { ref: 'dataset:n.a@3.2' }
    });
    const restoreSnapshot = jest.fn(async () => ({ ...done, undo: '' }));
    await restore(call({ restoreSnapshot }, 'dataset:n.a@3.2'));
    expect(restoreSnapshot).toHaveBeenCalledWith('n.a', '3.2');
    const tagSnapshot = jest.fn(async () => ({}));
    const tagged = await tag(call({ tagSnapshot }, 'dataset:n.a@1', { args: { tags: ['v1'] } }));
    expect(tagSnapshot).toHaveBeenCalledWith('n.a', '1', { add: ['v1'] });
    expect(tagged?.undo?.args).toEqual({ ref: 'dataset:n.a@1', tags: ['v1'] });
    const removed = await untag(call({ tagSnapshot }, 'dataset:n.a@2'));
    expect(tagSnapshot).toHaveBeenLastCalledWith('n.a', '2', { remove: ['gold'] });
    expect(removed?.undo?.args).toEqual({ ref: 'dataset:n.a@2', tags: ['gold'] });
  });

  it('needs a snapshot', async () => {
    await expect(restore(call({}, 'dataset:n.a'))).rejects.toThrow('No snapshot is chosen.');
  });
});

describe('snapshots that go', () => {
  it('shows what is lost before anything goes, and asks again when the terms change', async () => {
    const plan = {
      dataset: 'n.a',
      snapshots: [
        { ...snapshot('3'), kept_because: 'it is the newest' },
        { ...snapshot('1'), kept_because: '' }
      ],
      shown: 2,
      total: 2,
      expires: 1,
      files: 4,
      bytes: 2_000_000,
      rows: 10,
      lost: ['10 rows that were removed since cannot be read any more.'],
      done: false,
      note: ''
    };
    const expiry = jest.fn(async () => plan);
    const ready = jest.fn();
    const fake = fakeWorkbench({ catalog: { expiry } });
    render(framed(fake, <Expiry name="n.a" onReady={ready} />));
    expect(await screen.findByText(/rows that were removed since/)).toBeTruthy();
    expect(screen.getByText('stays: it is the newest')).toBeTruthy();
    expect(screen.getByText('expires')).toBeTruthy();
    expect(document.body.textContent).toContain('4 files are deleted');
    expect(ready).toHaveBeenLastCalledWith({ keep: 10, older_than: '30d' });
    fireEvent.change(screen.getByLabelText('the newest stay'), { target: { value: '1' } });
    await settle();
    expect(ready).toHaveBeenLastCalledWith(null);
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve, 600));
    });
    expect(ready).toHaveBeenLastCalledWith({ keep: 1, older_than: '30d' });
  });

  it('compares masked values only where the page reveals them', async () => {
    const diff = jest.fn(async () => DIFF);
    const catalog = { snapshots: async () => ({ items: ITEMS, shown: 3, total: 3 }), diff };
    const fake = fakeWorkbench({ catalog, code: async () => ({ python: '…' }) });
    render(
      framed(
        fake,
        <RevealedContext.Provider value={true}>
          <Snapshots dataset={dataset} comparing={true} />
        </RevealedContext.Provider>
      )
    );
    await settle();
    expect(diff).toHaveBeenCalledWith(
      'n.a',
      expect.objectContaining({ reveal: true }),
      expect.anything()
    );
  });
});
