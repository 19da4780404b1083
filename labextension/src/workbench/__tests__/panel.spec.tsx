import { Widget } from '@lumino/widgets';
import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { useQuery } from '../../hooks/query';
import type { IPanelSpec } from '../../tokens';
import { PanelWidget } from '../panel';

it('Refresh asks for everything anew, and what is drawn stays with its focus', async () => {
  const asked = jest.fn(async () => 'rows');
  const Body = (): React.ReactElement => {
    const { data } = useQuery('rows', asked, { every: () => null });
    return <button type="button">{data ?? 'nothing'}</button>;
  };
  const { workbench } = fakeWorkbench({ project: async () => ({ name: 'flights', root: '/f' }) });
  const spec = {
    name: 'catalog',
    title: 'Catalog',
    icon: 'catalog',
    placeholder: 'name'
  } as IPanelSpec;
  const panel = new PanelWidget(workbench, { ...spec, body: async () => ({ default: Body }) });
  await act(async () => {
    Widget.attach(panel, document.body);
    await panel.renderPromise;
  });
  const row = await screen.findByText('rows');
  row.focus();
  await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Refresh' })));
  expect(asked).toHaveBeenCalledTimes(2);
  expect(document.activeElement).toBe(row);
  expect(row.isConnected).toBe(true);
  act(() => panel.dispose());
});
