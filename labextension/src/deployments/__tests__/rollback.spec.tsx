import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import DeploymentPage from '../deployment';

const settle = (): Promise<void> =>
  act(async () => {
    await new Promise(resolve => setTimeout(resolve));
  });

/** The page of a deployment with two versions that answer. */
async function opened(): Promise<Record<'rollback' | 'traffic', jest.Mock>> {
  const version = (name: string, traffic: number, role: string): object => ({
    version: name,
    model: `models:/flights/${name.slice(1)}`,
    state: 'ready',
    traffic,
    role,
    reason: '',
    gates: []
  });
  const deployment = {
    ref: 'deployment:flights',
    name: 'flights',
    target: 'local',
    state: 'healthy',
    url: 'http://127.0.0.1',
    versions: [version('v1', 90, 'stable'), version('v2', 10, 'canary'), version('v3', 0, '')],
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z'
  };
  const deployments = {
    show: async () => ({ deployment, history: [], signature: [], code: {} }),
    rollback: jest.fn(async () => deployment),
    traffic: jest.fn(async () => deployment)
  };
  show(fakeWorkbench({ deployments }), <DeploymentPage reference="deployment:flights" name="flights" />);
  await screen.findByRole('tab', { name: 'History' });
  return deployments;
}

it('a roll back offers the traffic that it took away', async () => {
  const said = jest.spyOn(Notification, 'success').mockReturnValue('1');
  const deployments = await opened();
  fireEvent.click(screen.getByRole('button', { name: 'Roll Back' }));
  await settle();
  expect(deployments.rollback).toHaveBeenCalledWith('flights');
  const [undo] = said.mock.calls[0]?.[1]?.actions ?? [];
  expect(undo?.label).toBe('Undo');
  act(() => undo?.callback(new MouseEvent('click')));
  await settle();
  expect(deployments.traffic).toHaveBeenCalledWith('flights', { v1: 90, v2: 10 }, 'undo');
});

it.each([
  ['t', 'Traffic', 'v1'],
  ['y', 'Try It', 'Request body']
])('the key %s goes to the tab %s, and into its first field', async (key, tab, field) => {
  await opened();
  fireEvent.keyDown(screen.getByRole('tab', { name: 'History' }), { key });
  await settle();
  expect(screen.getByRole('tab', { selected: true }).textContent).toBe(tab);
  expect(document.activeElement).toBe(screen.getByLabelText(field));
});
