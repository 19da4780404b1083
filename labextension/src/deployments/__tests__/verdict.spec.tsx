import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IDeployment, IVersionVerdict } from '../../api/types';
import { settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { CanaryKpi, Verdict } from '../verdict';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const DEPLOYMENT = {
  ref: 'deployment:flights',
  name: 'flights',
  versions: [
    { version: 'v1', role: 'stable', traffic: 90 },
    { version: 'v2', role: 'canary', traffic: 10 }
  ]
} as unknown as IDeployment;

const VERDICT: IVersionVerdict = {
  deployment: 'flights',
  measure: 'errors',
  state: 'not yet',
  why: 'the difference is small',
  control: { version: 'v1', n: 900, mean: 0.02, share: 0.9 },
  treatment: { version: 'v2', n: 100, mean: 0.01, share: 0.1 },
  difference: -0.01,
  low: -0.03,
  high: 0.01,
  alpha: 0.05,
  ratio_p: 1,
  needed: 2_100,
  since: '2026-01-01T00:00:00Z'
};

async function shown(verdict: Partial<IVersionVerdict>): Promise<string> {
  const deployments = { verdict: jest.fn(async () => ({ ...VERDICT, ...verdict })) };
  show(fakeWorkbench({ deployments }), <Verdict deployment={DEPLOYMENT} />);
  await settle();
  expect(deployments.verdict).toHaveBeenCalledWith(
    'flights',
    { control: 'v1', treatment: 'v2', measure: 'errors' },
    expect.anything()
  );
  return screen.getByRole('group', { name: 'Verdict' }).textContent;
}

it('an open verdict says the interval, about how much more is needed, and the shares', async () => {
  const text = await shown({});
  expect(text).toContain('not yet decided');
  expect(text).toContain('difference −1 % [−3 %, +1 %]');
  expect(text).toContain('about 2.1k more');
  expect(text).toContain('v2: 100 of 1,000, expected 10 %');
});

it.each([
  ['better', 'v2 is better'],
  ['worse', 'v2 is worse'],
  ['ratio mismatch', 'not shared as it should be']
])('%s reads as %s', async (state, words) => {
  expect(await shown({ state, needed: null })).toContain(words);
});

it('too few outcomes give no interval but the reason', async () => {
  const text = await shown({ difference: 0, low: null, high: null, needed: null, why: 'too few' });
  expect(text).toContain('too few');
  expect(text).not.toContain('difference');
});

it('one version alone has no verdict, and nothing is asked', async () => {
  const verdict = jest.fn();
  const alone = { ...DEPLOYMENT, versions: DEPLOYMENT.versions.slice(0, 1) };
  show(fakeWorkbench({ deployments: { verdict } }), <Verdict deployment={alone} />);
  await settle();
  expect(screen.queryByRole('group', { name: 'Verdict' })).toBeNull();
  expect(verdict).not.toHaveBeenCalled();
});

describe('the line of the canary', () => {
  const drawn = async (verdict: Partial<IVersionVerdict>): Promise<HTMLElement> => {
    const asked = jest.fn(async () => ({ ...VERDICT, measure: 'kpi', ...verdict }));
    const fake = fakeWorkbench({ deployments: { verdict: asked } });
    const { container } = show(fake, <CanaryKpi deployment={DEPLOYMENT} />);
    await settle();
    const arms = { control: 'v1', treatment: 'v2', measure: 'kpi' };
    expect(asked).toHaveBeenCalledWith('flights', arms, expect.anything());
    return container;
  };

  it('says by how much its answers are worth more, with the interval and what would decide', async () => {
    const line = await drawn({ difference: 0.12, low: -0.04, high: 0.28 });
    expect(line.textContent).toContain('KPI +0.12 [−0.04, +0.28] · not yet decided');
    expect(line.textContent).toContain('about 2.1k more');
    expect(line.querySelector('p')?.title).toContain('v2: 0.01 over 100 rows');
  });

  it('says who is better, and nothing while there is no KPI', async () => {
    const better = { state: 'better', difference: 0.2, low: 0.1, high: 0.3, needed: null };
    expect((await drawn(better)).textContent).toBe('KPI +0.2 [+0.1, +0.3] · v2 is better');
    const none = { difference: null, low: null, high: null, needed: null, why: 'no label' };
    expect((await drawn(none)).textContent).toBe('');
  });
});

it('all measures can be chosen, and the chosen one is asked for', async () => {
  const verdict = jest.fn(async () => VERDICT);
  show(fakeWorkbench({ deployments: { verdict } }), <Verdict deployment={DEPLOYMENT} />);
  await settle();
  const list = screen.getByLabelText('Compared by');
  expect(
    within(list)
      .getAllByRole('option')
      .map(({ textContent }) => textContent)
  ).toEqual(['errors', 'latency', 'labels', 'KPI', 'rewards']);
  for (const measure of ['kpi', 'reward']) {
    fireEvent.change(list, { target: { value: measure } });
    await settle();
    expect(verdict).toHaveBeenLastCalledWith(
      'flights',
      { control: 'v1', treatment: 'v2', measure },
      expect.anything()
    );
  }
});
