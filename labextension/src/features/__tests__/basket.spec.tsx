import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import FeaturesPanel from '../panel';

const none = { items: [], shown: 0, total: 0 };

/** The panel with picked features; what is listed, and a key that takes one out. */
async function picked(...refs: string[]): Promise<{
  names: () => string[];
  remove: (ref: string) => Promise<void>;
}> {
  const fake = fakeWorkbench({
    features: { views: async () => none },
    catalog: { list: async () => none }
  });
  fake.kept.set('features:basket', refs);
  show(fake, <FeaturesPanel />);
  const rows = (): HTMLElement[] =>
    within(screen.getByRole('tree', { name: 'Selected features' })).queryAllByRole('treeitem');
  const names = (): string[] => rows().map(row => row.dataset.mlinfraRef ?? '');
  await waitFor(() => expect(names()).toEqual(refs));
  const remove = async (ref: string): Promise<void> => {
    const row = rows().find(({ dataset }) => dataset.mlinfraRef === ref)!;
    act(() => row.focus());
    fireEvent.keyDown(row, { key: 'Delete' });
    await waitFor(() => expect(row.isConnected).toBe(false));
  };
  return { names, remove };
}

describe('Delete takes a feature out of the selection', () => {
  let notified: jest.SpiedFunction<typeof Notification.success>;
  beforeEach(() => (notified = jest.spyOn(Notification, 'success').mockReturnValue('')));
  afterEach(() => notified.mockRestore());
  const undo = (call: number): void =>
    act(() => notified.mock.calls[call]?.[1]?.actions?.[0]?.callback(new MouseEvent('click')));

  it('and Undo brings it back', async () => {
    const { names, remove } = await picked('feature:a:x', 'feature:a:y');
    await remove('feature:a:x');
    expect(names()).toEqual(['feature:a:y']);
    undo(0);
    expect(names()).toEqual(['feature:a:x', 'feature:a:y']);
  });

  it('and Undo changes nothing else that was picked or taken out since', async () => {
    const { names, remove } = await picked('feature:a:x', 'feature:a:y', 'feature:a:z');
    await remove('feature:a:x');
    await remove('feature:a:y');
    undo(0);
    expect(names()).toEqual(['feature:a:x', 'feature:a:z']);
  });
});
