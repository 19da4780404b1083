import { Widget } from '@lumino/widgets';
import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { useQuery } from '../../hooks/query';
import type { IPanelSpec } from '../../tokens';
import { openFirstSteps } from '../first';
import { PanelWidget } from '../panel';

jest.mock('../../components/confirm', () => ({
  ...jest.requireActual<object>('../../components/confirm'),
  confirm: async () => true
}));

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

it('once First Steps has created a project, an open panel offers none', async () => {
  const { workbench } = fakeWorkbench({
    project: () => Promise.reject(new ApiError('not_found', 'In no project.')),
    init: async () => ({ name: 'shop', root: '/shop' }),
    firstSteps: async () => ({ path: 'first-steps.ipynb' })
  });
  const spec = { name: 'catalog', title: 'Catalog', icon: 'catalog', placeholder: 'name' };
  const body = async (): Promise<object> => ({ default: () => <p>datasets</p> });
  const panel = new PanelWidget(workbench, { ...spec, body } as unknown as IPanelSpec);
  await act(async () => {
    Widget.attach(panel, document.body);
    await panel.renderPromise;
  });
  await screen.findByRole('button', { name: 'Create Project Here' });
  const open = { execute: async () => undefined };
  await act(() => openFirstSteps(workbench, open as never));
  expect(screen.queryByRole('button', { name: 'Create Project Here' })).toBeNull();
  expect(await screen.findByText('datasets')).toBeTruthy();
  expect(screen.getByText('shop')).toBeTruthy();
  act(() => panel.dispose());
});
