import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show, madeUp } from '../../components/__tests__/workbench';
import DeploymentPage from '../deployment';

const settle = (): Promise<void> =>
  act(async () => {
    await new Promise(resolve => setTimeout(resolve));
  });

const version = (name: string, traffic: number, role: string): object => ({
  version: name,
  model: `models:/flights/${name.slice(1)}`,
  state: 'ready',
  traffic,
  role,
  reason: '',
  runtime: 'seldon-core',
  workers: 1,
  memory_bytes: null,
  gpu_memory_bytes: null,
  gpu_load: null,
  gpu_reason: '',
  pids: [],
  gates: []
});

const deployment = {
  ref: 'deployment:flights',
  name: 'flights',
  target: 'local',
  state: 'healthy',
  url: 'http://127.0.0.1',
  urls: {},
  versions: [version('v1', 90, 'stable'), version('v2', 10, 'canary'), version('v3', 0, '')],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  requests_by_minute: []
};

const SAMPLE = { data: { names: ['a'], ndarray: [[1]] } };
const CODE = {
  python: 'ml.deployment("flights")',
  curl: `curl -s http://127.0.0.1 -H 'A: b' -d '{}'`
};

/** The page of a deployment with two versions that answer. */
async function opened(): Promise<Record<'rollback' | 'traffic', jest.Mock>> {
  const deployments = {
    show: async () => ({
      deployment,
      history: [],
      signature: [],
      params: [],
      replays: [],
      code: {}
    }),
    rollback: jest.fn(async () => ({
      ...deployment,
      versions: [version('v1', 100, 'stable'), version('v2', 0, '')]
    })),
    traffic: jest.fn(async () => deployment)
  };
  show(
    fakeWorkbench({ deployments }),
    <DeploymentPage reference="deployment:flights" name="flights" />
  );
  await screen.findByRole('tab', { name: 'History' });
  return deployments;
}

it('the head says for how long it is up, and where the newest undo leads', async () => {
  const change = (id: number, traffic: object): object => ({
    ...{ id, at: '2026-01-01T00:00:00Z', user: 'ana', verb: 'traffic', text: '', reason: '' },
    traffic
  });
  const detail = {
    ...{ deployment, signature: [], params: [], replays: [], code: {} },
    up_since: new Date(Date.now() - 12 * 86_400_000 - 1_000).toISOString(),
    history: [change(2, { v1: 90, v2: 10 }), change(1, { v1: 100 })]
  };
  show(
    fakeWorkbench({ deployments: { show: async () => detail } }),
    <DeploymentPage reference="deployment:flights" name="flights" />
  );
  expect(await screen.findByText('up 12 d')).toBeTruthy();
  expect(screen.getAllByText('undo reaches v1').length).toBeGreaterThan(0);
});

it('a roll back says the traffic before and after it, and offers what it took away', async () => {
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('1');
  const deployments = await opened();
  fireEvent.click(screen.getByRole('button', { name: 'Roll Back' }));
  await settle();
  expect(deployments.rollback).toHaveBeenCalledWith('flights');
  expect(notified.mock.calls[0]?.[0]).toBe(
    'flights is back at v1 100 %; it was at v1 90 %, v2 10 %.'
  );
  const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
  expect(undo?.label).toBe('Undo');
  act(() => undo?.callback(new MouseEvent('click')));
  await settle();
  expect(deployments.traffic).toHaveBeenCalledWith('flights', { v1: 90, v2: 10 }, 'undo');
});

it('the undo of a roll back brings the traffic back that there was, whatever the page shows', async () => {
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('1');
  notified.mockClear();
  const deployments = await opened();
  const moved = [version('v1', 60, 'stable'), version('v2', 40, 'canary')];
  Object.assign(deployments, {
    show: async () => ({
      deployment: { ...deployment, versions: moved },
      history: [],
      signature: [],
      params: [],
      replays: [],
      code: {}
    })
  });
  fireEvent.click(screen.getByRole('button', { name: 'Roll Back' }));
  await settle();
  const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
  act(() => undo?.callback(new MouseEvent('click')));
  await settle();
  expect(deployments.traffic).toHaveBeenCalledWith('flights', { v1: 60, v2: 40 }, 'undo');
});

describe('the code of a deployment', () => {
  const page = async (predict = jest.fn()): Promise<void> => {
    const deployments = {
      show: async () => ({
        deployment,
        history: [],
        signature: [],
        params: [],
        replays: [],
        answers: 'classes',
        sample: SAMPLE,
        code: CODE
      }),
      predict
    };
    show(
      fakeWorkbench({ deployments }),
      <DeploymentPage reference="deployment:flights" name="flights" />
    );
    await settle();
  };
  const shown = (): string | null => screen.getByRole('group', { name: 'Code' }).textContent;

  it('says the traffic that stands in the fields, and the deployment again after Discard', async () => {
    await page();
    expect(shown()).toContain('ml.deployment("flights")');
    fireEvent.change(screen.getByLabelText('v2'), { target: { value: '30' } });
    expect(shown()).toContain('once all fields are right');
    fireEvent.change(screen.getByLabelText('v1'), { target: { value: '70' } });
    const values = { name: 'flights', shares: { v1: 70, v2: 30, v3: 0 } };
    await waitFor(() => expect(shown()).toContain(madeUp({ call: 'deployments-traffic', values })));
    fireEvent.click(screen.getByRole('button', { name: 'Preview Change' }));
    fireEvent.click(screen.getByRole('button', { name: 'Discard' }));
    expect(shown()).toContain('ml.deployment("flights")');
  });

  it('says the request that was written, which stays when another tab was open', async () => {
    await page();
    fireEvent.click(screen.getByRole('tab', { name: 'Try It' }));
    fireEvent.change(screen.getByLabelText('Request body'), {
      target: { value: '[{"a": null, "ok": true}]' }
    });
    const values = { name: 'flights', body: [{ a: null, ok: true }] };
    await waitFor(() => expect(shown()).toContain(madeUp({ call: 'deployments-predict', values })));
    fireEvent.click(screen.getByRole('tab', { name: 'Tests' }));
    fireEvent.click(screen.getByRole('tab', { name: 'Try It' }));
    expect(screen.getByLabelText<HTMLTextAreaElement>('Request body').value).toBe(
      '[{"a": null, "ok": true}]'
    );
  });

  it('a request that is no JSON is not sent, and is told with the reason and the fix', async () => {
    const predict = jest.fn();
    await page(predict);
    fireEvent.click(screen.getByRole('tab', { name: 'Try It' }));
    fireEvent.change(screen.getByLabelText('Request body'), { target: { value: '{oops' } });
    fireEvent.click(screen.getByRole('button', { name: 'Ask' }));
    const card = screen.getByRole('alert').textContent;
    expect(card).toContain('The request is not valid JSON.');
    expect(card).toContain('double quotes');
    expect(predict).not.toHaveBeenCalled();
    expect(shown()).toContain('once all fields are right');
  });
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
