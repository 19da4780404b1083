import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import FeaturesPanel from '../panel';

it('Delete takes a feature out of the selection, and Undo brings it back', async () => {
  const said = jest.spyOn(Notification, 'success').mockReturnValue('');
  const none = { items: [], shown: 0, total: 0 };
  const fake = fakeWorkbench({
    features: { views: async () => none },
    catalog: { list: async () => none }
  });
  fake.kept.set('features:basket', ['feature:a:x', 'feature:a:y']);
  show(fake, <FeaturesPanel />);
  const names = (): string[] =>
    within(screen.getByRole('tree', { name: 'Selected features' }))
      .getAllByRole('treeitem')
      .map(row => row.dataset.mlinfraRef ?? '');
  await waitFor(() => expect(names()).toEqual(['feature:a:x', 'feature:a:y']));
  const row = screen.getAllByRole('treeitem')[0]!;
  act(() => row.focus());
  fireEvent.keyDown(row, { key: 'Delete' });
  await waitFor(() => expect(names()).toEqual(['feature:a:y']));
  const [undo] = said.mock.calls[0]?.[1]?.actions ?? [];
  act(() => undo?.callback(new MouseEvent('click')));
  expect(names()).toEqual(['feature:a:x', 'feature:a:y']);
  said.mockRestore();
});
