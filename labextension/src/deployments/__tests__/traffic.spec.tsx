import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IDeployedVersion, IDeployment, IDeploymentDetail, INumber } from '../../api/types';
import { pageOf, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import * as format from '../../format';
import type { IQuery } from '../../hooks/query';
import { DeploymentsSection } from '../section';
import { Traffic } from '../traffic';
import { balanced, canChange, checkWeights, fieldsOf } from '../weights';

const version = (name: string, traffic: number, role: string): IDeployedVersion => ({
  version: name,
  model: `models:/flights/${name.slice(1)}`,
  state: 'ready',
  traffic,
  role,
  shadow: 0,
  reason: '',
  workers: 1,
  runtime: 'seldon-core',
  requests_per_second: { value: 3.46 * traffic, basis: 'exact', n: null, error: null },
  p50_ms: null,
  p95_ms: null,
  error_fraction: null,
  refused_fraction: null,
  memory_bytes: null,
  gpu_memory_bytes: null,
  gpu_load: null,
  gpu_reason: '',
  pids: [],
  gates: [],
  stale_since: null
});

const DEPLOYMENT: IDeployment = {
  ref: 'deployment:flights',
  name: 'flights',
  namespace: 'x',
  target: 'local',
  state: 'healthy',
  url: 'http://127.0.0.1/api/v1.0/predictions',
  urls: {},
  versions: [version('v1', 90, 'stable'), version('v2', 10, 'canary')],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  requests_by_minute: []
};

const query = { refresh: jest.fn(async () => undefined) } as unknown as IQuery<IDeploymentDetail>;

describe('weights', () => {
  it.each([
    [
      { v1: '90', v2: '10' },
      { v1: 90, v2: 10 }
    ],
    [{ v1: '90', v2: '20' }, null],
    [{ v1: '', v2: '100' }, null],
    [{ v1: '50.5', v2: '49.5' }, null],
    [{ v1: '-10', v2: '110' }, null]
  ])('%p are read as %p', (fields, weights) => {
    expect(checkWeights(fields).weights).toEqual(weights);
  });

  it('give the rest to the other of two versions', () => {
    expect(balanced({ v1: '90', v2: '10' }, 'v2', '30')).toEqual({ v1: '70', v2: '30' });
  });

  it('leave the others of three versions as they are', () => {
    expect(balanced({ v1: '80', v2: '10', v3: '10' }, 'v2', '30')).toEqual({
      v1: '80',
      v2: '30',
      v3: '10'
    });
  });

  it('are offered for versions that can answer', () => {
    const failed = { ...version('v3', 0, 'candidate'), state: 'failed' as const };
    expect(fieldsOf([...DEPLOYMENT.versions, failed])).toEqual({ v1: '90', v2: '10' });
  });

  it('can be changed unless a version has all alone, or none can have some', () => {
    const failed = { ...version('v3', 0, 'candidate'), state: 'failed' as const };
    expect(canChange(DEPLOYMENT.versions)).toBe(true);
    expect(canChange([version('v1', 0, 'standby')])).toBe(true);
    expect(canChange([version('v1', 100, 'stable'), version('v2', 0, 'standby')])).toBe(true);
    expect(canChange([version('v1', 100, 'stable'), failed])).toBe(false);
    expect(canChange([failed])).toBe(false);
  });
});

it('a row in the panel draws the requests of the last hour; without any it draws nothing', async () => {
  const counts = [0, 30, 0, 120, 60, 7]; // the present minute is not over
  const items = [
    { ...DEPLOYMENT, requests_by_minute: counts },
    { ...DEPLOYMENT, ref: 'deployment:b', name: 'b', requests_by_minute: [0, 0, 4] }
  ];
  show(fakeWorkbench({ deployments: { list: async () => pageOf(items) } }), <DeploymentsSection />);
  const [first, second] = await screen.findAllByRole('treeitem');
  const line = within(first!).getByRole('img', {
    name: 'Requests of the last hour, at most 120 a minute'
  });
  const drawn = line.querySelector('path:last-child')?.getAttribute('d') ?? '';
  expect(drawn.split('L')).toHaveLength(5);
  expect(drawn).toContain('100 16'); // the last full minute stands at the right, at half the height
  expect(first?.textContent).toContain('346/s');
  expect(within(second!).queryByRole('img', { name: /Requests of/ })).toBeNull();
});

it('the line of a version has its shares of failed and of refused requests', () => {
  const share = (value: number): INumber => ({ value, basis: 'exact', n: 400, error: null });
  const failing = {
    ...version('v1', 100, 'stable'),
    error_fraction: share(0.005),
    refused_fraction: share(0.25)
  };
  const asked = { ...DEPLOYMENT, versions: [failing, version('v2', 0, 'standby')] };
  show(fakeWorkbench(), <Traffic deployment={asked} query={query} onEdit={jest.fn()} />);
  const cells = within(screen.getAllByRole('row')[1]!).getAllByRole('cell');
  const texts = cells.map(cell => cell.textContent);
  expect(texts).toEqual(expect.arrayContaining(['errors 0.5 %', 'refused 25 %']));
  expect(screen.getAllByRole('row')[2]?.textContent).not.toContain('refused');
});

it('what all versions share is said once, in the heading; what one has alone stands beside it', () => {
  const measured = (value: number, basis: INumber['basis']): INumber => ({
    value,
    basis,
    n: null,
    error: null
  });
  const versions = [
    { ...version('v1', 90, 'stable'), p50_ms: measured(3, 'approx'), p95_ms: measured(9, 'exact') },
    { ...version('v2', 10, 'canary'), p50_ms: measured(4, 'approx'), p95_ms: measured(8, 'approx') }
  ];
  const asked = { ...DEPLOYMENT, versions };
  show(fakeWorkbench(), <Traffic deployment={asked} query={query} onEdit={jest.fn()} />);
  const texts = screen.getAllByRole('row').map(row => row.textContent);
  expect(texts[0]).toContain('p50≈p95errors');
  expect(texts[1]).toContain('p50 3 msp95 9 ms');
  expect(texts[2]).toContain('p50 4 msp95 8 ms≈');
});

it('the models of the versions are named where they are several', () => {
  const [first, second] = DEPLOYMENT.versions as [IDeployedVersion, IDeployedVersion];
  const lines = (versions: IDeployedVersion[]): (string | null)[] => {
    const { unmount } = show(
      fakeWorkbench(),
      <Traffic deployment={{ ...DEPLOYMENT, versions }} query={query} onEdit={jest.fn()} />
    );
    const texts = screen.getAllByRole('row').map(row => row.textContent);
    unmount();
    return texts;
  };
  expect(lines([first, second]).join()).not.toContain('flights');
  const other = lines([first, { ...second, model: 'models:/delays/2' }]);
  expect(other.map(text => /(model|flights\/1|delays\/2)$/.exec(text ?? '')?.[0])).toEqual([
    'model',
    'flights/1',
    'delays/2'
  ]);
});

it('old figures are grey and have their age, and decide nothing; the traffic is that of now', () => {
  const at = new Date(Date.now() - 12 * 60_000).toISOString();
  const old = { ...DEPLOYMENT.versions[0]!, stale_since: at };
  const versions = [old, DEPLOYMENT.versions[1]!];
  show(
    fakeWorkbench(),
    <Traffic deployment={{ ...DEPLOYMENT, versions }} query={query} onEdit={jest.fn()} />
  );
  expect(screen.getByRole('status').textContent).toMatch(/^12 min .*nothing was measured since/);
  const [, first, second] = screen.getAllByRole('row');
  expect([first, second].map(row => row?.matches('.jp-mlinfra-is-stale'))).toEqual([true, false]);
  expect(first?.textContent).toContain('311/s');
  expect(first?.textContent).toContain('90 %');
  fireEvent.change(screen.getByLabelText(/v2/), { target: { value: '30' } });
  fireEvent.click(screen.getByRole('button', { name: 'Preview Change' }));
  expect(document.body.textContent).toContain('becomes v1 70 %, v2 30 %');
});

describe('the line of a shadow', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const line = async (shadow: () => Promise<unknown>): Promise<string | null | undefined> => {
    const versions = [
      version('v1', 100, 'stable'),
      { ...version('v3', 0, 'shadow'), shadow: 40, requests_per_second: null }
    ];
    show(
      fakeWorkbench({ deployments: { shadow } }),
      <Traffic deployment={{ ...DEPLOYMENT, versions }} query={query} onEdit={jest.fn()} />
    );
    await settle();
    return document.querySelector('[data-version="v3"]')?.textContent;
  };

  const compared = {
    agreement: 0.9712,
    rows: 5123,
    rule: 'the same class',
    since: '2026-01-01T10:00:00Z',
    until: '2026-01-02T10:00:00Z',
    notes: [] as string[]
  };
  const since = (at: string): string =>
    `the same class; 5,123 rows since ${format.time(at)} compared`;

  it('says how often it agrees with what was answered, and of how many rows', async () => {
    const shadow = jest.fn(async () => compared);
    expect(await line(shadow)).toContain('copies of 40 %, agrees on 97.1 % of 5,123');
    expect(shadow).toHaveBeenCalledTimes(1);
    expect(shadow).toHaveBeenCalledWith('flights', { version: 'v3', hours: 24 }, expect.anything());
    const cell = document.querySelector('[data-version="v3"] [aria-colspan="2"]');
    expect(cell?.getAttribute('title')).toBe(since(compared.since));
    expect(cell?.textContent).not.toContain('~');
  });

  it('says that only the newest copies were compared', async () => {
    const at = '2026-01-02T09:00:00Z';
    const part = { ...compared, since: at, notes: ['The newest ones.'] };
    expect(await line(async () => part)).toContain('of 5,123~');
    const cell = document.querySelector('[data-version="v3"] [aria-colspan="2"]');
    expect(cell?.getAttribute('title')).toBe(`${since(at)}\nThe newest ones.`);
    expect(screen.getByTitle('from a sample of 5,123 rows')).toBeTruthy();
  });

  it('has its copies alone before one is answered', async () => {
    const error = new ApiError('unprocessable', 'v3 of flights has answered no copy.');
    const text = await line(async () => Promise.reject(error));
    expect(text).toContain('copies of 40 %');
    expect(text).not.toContain('agrees');
  });
});

describe('the traffic editor', () => {
  it('previews what each version would get, and changes nothing before Apply', async () => {
    const traffic = jest.fn(async () => DEPLOYMENT);
    show(
      fakeWorkbench({ deployments: { traffic, show: async () => ({ deployment: DEPLOYMENT }) } }),
      <Traffic deployment={DEPLOYMENT} query={query} onEdit={jest.fn()} />
    );
    fireEvent.change(screen.getByLabelText('v2'), { target: { value: '50' } });
    fireEvent.click(screen.getByRole('button', { name: 'Preview Change' }));
    expect(screen.getByRole('status').textContent).toContain('v1 50 % ≈ 173/s, v2 50 % ≈ 173/s');
    expect(traffic).not.toHaveBeenCalled();
    fireEvent.change(screen.getByLabelText('reason'), { target: { value: 'looks fine' } });
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Apply' }));
    });
    await waitFor(() =>
      expect(traffic).toHaveBeenCalledWith('flights', { v1: 50, v2: 50 }, 'looks fine')
    );
  });

  it('offers no preview while the shares are not 100 together, and says so', () => {
    show(
      fakeWorkbench(),
      <Traffic
        deployment={{
          ...DEPLOYMENT,
          versions: [...DEPLOYMENT.versions, version('v3', 0, 'shadow')]
        }}
        query={query}
        onEdit={jest.fn()}
      />
    );
    fireEvent.change(screen.getByLabelText('v2'), { target: { value: '50' } });
    expect(screen.getByText('together 140 %, not 100 %')).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Preview Change' }).disabled).toBe(
      true
    );
  });
});
