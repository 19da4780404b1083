import { Notification } from '@jupyterlab/apputils';
import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IAnswerComparison, IDeliveryPlan, IDeploymentDetail } from '../../api/types';
import { cells, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { Comparisons } from '../comparisons';
import { Plan } from '../plan';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const planOf = (more: Partial<IDeliveryPlan>): IDeliveryPlan => ({
  id: 1,
  deployment: 'flights',
  version: 'v2',
  against: 'v1',
  steps: [5, 25, 100],
  every_seconds: 600,
  least_requests: 100,
  goal: '',
  better: '',
  state: 'running',
  step: 2,
  percent: 25,
  step_at: '2026-01-01T00:00:00Z',
  next_at: '2026-01-01T00:10:00Z',
  waits_for: 'v2 has answered 40 of 100 requests.',
  checks: [
    { name: 'requests', limit: '100', measured: '40', passed: null },
    { name: 'errors', limit: '1 %', measured: '0 %', passed: true },
    { name: 'latency', limit: '100 ms', measured: '140 ms', passed: false }
  ],
  checked_at: null,
  user: 'ana',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  ...more
});

function drawn(plan: IDeliveryPlan): { told: jest.Mock; pause: jest.Mock; resume: jest.Mock } {
  const told = jest.fn();
  const [pause, resume] = [jest.fn(async () => plan), jest.fn(async () => plan)];
  const fake = fakeWorkbench({ deployments: { pause, resume } });
  fake.workbench.events.listen(['deployment'], told);
  const deployment = { ref: 'deployment:flights', name: 'flights', plan } as never;
  show(fake, <Plan deployment={deployment} plan={plan} />);
  return { told, pause, resume };
}

it('a plan says its present step, what it waits for, and the verdict of each check', async () => {
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
  const { pause, told } = drawn(planOf({}));
  const steps = screen.getAllByRole('listitem');
  expect(steps.map(step => [step.textContent, step.getAttribute('aria-current')])).toEqual([
    ['5 %', null],
    ['25 %', 'step'],
    ['100 %', null]
  ]);
  expect(screen.getByText('v2 has answered 40 of 100 requests.')).toBeTruthy();
  expect(cells('Checks of the plan').map(row => row.slice(0, 2))).toEqual([
    ['requests', 'waits'],
    ['errors', 'kept'],
    ['latency', 'breached']
  ]);
  fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
  await settle();
  expect(pause).toHaveBeenCalledWith('flights');
  expect(told).toHaveBeenCalledWith({ topic: 'deployment', ref: 'deployment:flights', data: {} });
  expect(notified.mock.calls[0]?.[0]).toContain('Resume begins its present step again');
  expect(notified.mock.calls[0]?.[1]?.actions).toEqual([]);
});

it('only a step that is still to come says when', () => {
  const next = '2999-01-01T00:00:00Z';
  const told = (more: Partial<IDeliveryPlan>): boolean => {
    document.body.innerHTML = '';
    drawn(planOf(more));
    return screen.queryByText(/at the earliest/) !== null;
  };
  expect(told({ next_at: next })).toBe(true);
  expect(told({ next_at: next, state: 'paused' })).toBe(false);
  expect(told({ next_at: '2000-01-01T00:00:00Z' })).toBe(false);
  expect(told({ state: 'succeeded', step: 3, next_at: null })).toBe(false);
  expect(document.querySelector('[aria-current]')).toBeNull();
});

it('a paused plan can go on; one that has ended can do neither', async () => {
  const { resume } = drawn(planOf({ state: 'paused' }));
  fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
  await settle();
  expect(resume).toHaveBeenCalledWith('flights');
  document.body.innerHTML = '';
  drawn(planOf({ state: 'rolled_back' }));
  expect(screen.getByText('rolled back')).toBeTruthy();
  expect(screen.queryAllByRole('button')).toEqual([]);
});

const compared = (more: Partial<IAnswerComparison>): IAnswerComparison => ({
  id: 1,
  kind: 'replay',
  deployment: 'flights',
  version: 'v2',
  since: '2026-01-01T00:00:00Z',
  until: '2026-01-02T00:00:00Z',
  rows: 5000,
  given_by: { v1: 5000 },
  agreement: 0.971,
  rule: 'the same class',
  identical: null,
  score_shift: 0.02,
  score_distance: null,
  spread: null,
  latency: { p95_ms: 44, given_p95_ms: 21 },
  latency_basis: 'in turn',
  refused: 3,
  left_out: 0,
  notes: [],
  at: '2026-01-02T00:00:00Z',
  user: 'ana',
  ...more
});

async function compare(replays: readonly IAnswerComparison[], client: object): Promise<IFake> {
  const versions = [
    { version: 'v1', role: 'stable' },
    { version: 'v2', role: 'shadow' }
  ];
  const deployment = { name: 'flights', ref: 'deployment:flights', versions };
  const fake = fakeWorkbench({ deployments: client });
  show(fake, <Comparisons detail={{ deployment, replays } as unknown as IDeploymentDetail} />);
  await settle();
  return fake;
}

it('shadows and replays are held against the answers that were given', async () => {
  const notes = ['Rows of tensors were left out.'];
  const shadow = jest.fn(async () => compared({ kind: 'shadow', agreement: null, notes }));
  await compare([compared({})], { shadow });
  expect(shadow).toHaveBeenCalledWith('flights', { version: 'v2', hours: 24 }, expect.anything());
  expect(cells('Shadow v2')[0]?.slice(0, 3)).toEqual(['v2 shadow', '5,000', '–']);
  expect(screen.getByText('Rows of tensors were left out.')).toBeTruthy();
  expect(cells('Replays to flights')[0]?.slice(0, 6)).toEqual([
    'v2 replay',
    '5,000',
    '97.1 %',
    '+0.02',
    '44, given in 21',
    '3'
  ]);
});

it('a shadow that has answered no copy is no failure', async () => {
  const error = new ApiError('unprocessable', 'v2 of flights has answered no copy.');
  await compare([], { shadow: async () => Promise.reject(error) });
  expect(screen.getByText(/^v2 has answered no copy/)).toBeTruthy();
  expect(screen.queryByRole('alert')).toBeNull();
});

it('a replay is a job, whose page opens; hours that are none are not sent', async () => {
  const replay = jest.fn(async () => ({ ref: 'job:7f3a' }));
  const fake = await compare([], { shadow: async () => compared({ kind: 'shadow' }), replay });
  const hours = screen.getByLabelText('requests of the last');
  fireEvent.change(hours, { target: { value: '0' } });
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Replay' }).disabled).toBe(true);
  fireEvent.change(hours, { target: { value: '6' } });
  fireEvent.submit(screen.getByRole('form', { name: 'Replay' }));
  await settle();
  expect(replay).toHaveBeenCalledWith('flights', 'v2', 6);
  expect(fake.open).toHaveBeenCalledWith('job:7f3a');
});
