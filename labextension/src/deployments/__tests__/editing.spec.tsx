import { InputDialog, Notification } from '@jupyterlab/apputils';
import { fireEvent, screen, within, waitFor } from '@testing-library/react';
import React from 'react';

import type { IDeployment } from '../../api/types';
import {
  BROKEN,
  cells,
  exactly,
  HOSTILE,
  pageOf,
  settle
} from '../../components/__tests__/samples';
import { fakeWorkbench, show, madeUp } from '../../components/__tests__/workbench';
import DeploymentPage from '../deployment';
import { DeploymentsSection } from '../section';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const version = (name: string, traffic: number, more: object = {}): object => ({
  version: name,
  model: `models:/flights/${name.slice(1)}`,
  state: 'ready',
  traffic,
  role: traffic > 50 ? 'stable' : traffic ? 'canary' : 'candidate',
  reason: '',
  requests_per_second: null,
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
  ...more
});

const deploymentOf = (versions: readonly object[], more: object = {}): IDeployment =>
  ({
    ref: 'deployment:flights',
    name: 'flights',
    target: 'local',
    state: 'healthy',
    url: 'http://127.0.0.1',
    versions,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    requests_by_minute: [],
    ...more
  }) as unknown as IDeployment;

interface IServer {
  deployment?: IDeployment;
  detail?: object;
  verbs?: object;
  jobs?: object;
}

const TWO = deploymentOf([version('v1', 90), version('v2', 10)]);

/** The page of a deployment. */
async function opened({ deployment = TWO, detail, verbs, jobs }: IServer = {}): Promise<void> {
  const show_ = async (): Promise<object> => ({
    deployment,
    history: [],
    signature: [],
    params: [],
    answers: null,
    sample: null,
    code: {},
    ...detail
  });
  show(
    fakeWorkbench({ deployments: { show: show_, ...verbs }, jobs }),
    <DeploymentPage reference={deployment.ref} name={deployment.name} />
  );
  await settle();
}

const field = (name: string): HTMLInputElement => screen.getByLabelText(name);
const preview = (): HTMLButtonElement => screen.getByRole('button', { name: 'Preview Change' });
const set = (name: string, value: string): void => {
  fireEvent.change(field(name), { target: { value } });
};
const faultOf = (name: string): string | undefined =>
  document.getElementById(field(name).getAttribute('aria-errormessage') ?? '')?.textContent;

describe('a share of the traffic that cannot be', () => {
  it.each(['', '50.5', '-10', '110', '1e300', '100.0000001'])(
    '“%s” is refused with the reason at its field, even where the shares make 100',
    async value => {
      await opened();
      set('v1', value);
      set('v2', String(100 - Number(value)));
      set('v1', value); // the other field has taken the rest: what stands here is the bad one again
      expect(preview().disabled).toBe(true);
      expect(field('v1').getAttribute('aria-invalid')).toBe('true');
      expect(faultOf('v1')).toBe('a whole number from 0 to 100');
    }
  );

  it.each(['0', '100', '7', '020', '2e1'])(
    '“%s” is taken, and the other version gets the rest',
    async value => {
      await opened();
      set('v2', value);
      const rest = 100 - Number(value);
      expect(field('v1').value).toBe(String(rest));
      expect([faultOf('v1'), faultOf('v2')]).toEqual([undefined, undefined]);
      expect(preview().disabled).toBe(false);
      // the code says numbers, however they were typed: 020 is no Python
      const shares = { v1: rest, v2: Number(value) };
      const asked = { call: 'deployments-traffic', values: { name: 'flights', shares } };
      await waitFor(() =>
        expect(screen.getByRole('group', { name: 'Code' }).textContent).toContain(madeUp(asked))
      );
    }
  );

  it('is no change where it says, in other words, what there is', async () => {
    await opened();
    set('v2', '1e1');
    expect(preview().disabled).toBe(true);
  });
});

it('three versions: the sum is said as it is typed, and the preview is offered at 100', async () => {
  const traffic = jest.fn(async () => TWO);
  const deployment = deploymentOf([version('v1', 80), version('v2', 20), version('v3', 0)]);
  await opened({ deployment, verbs: { traffic } });
  set('v3', '33');
  expect(screen.getByText('together 133 %, not 100 %')).toBeTruthy();
  set('v1', '47');
  expect(screen.queryByText(/^together/)).toBeNull();
  fireEvent.click(preview());
  expect(screen.getByText('becomes v1 47 %, v2 20 %, v3 33 %')).toBeTruthy();
  set('v2', '21'); // what was previewed is not what stands there any more
  expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull();
  expect(traffic).not.toHaveBeenCalled();
});

it('a change that the server refuses is told with its fix, and what was typed stays', async () => {
  const failed = jest.spyOn(Notification, 'error').mockReturnValue('');
  await opened({ verbs: { traffic: jest.fn(() => Promise.reject(BROKEN)) } });
  set('v2', '40');
  fireEvent.click(preview());
  fireEvent.click(screen.getByRole('button', { name: 'Apply' }));
  await settle();
  expect(failed.mock.calls[0]?.[0]).toBe([BROKEN.what, BROKEN.why, BROKEN.fix].join('\n'));
  expect([field('v1').value, field('v2').value]).toEqual(['60', '40']);
  expect(screen.getByRole('button', { name: 'Apply' })).toBeTruthy();
});

it('a version that has failed says why, and cannot be given traffic', async () => {
  const reason = 'Its environment cannot be built: no matching distribution for flights-0.';
  const failed = version('v3', 0, { state: 'failed', reason });
  await opened({ deployment: deploymentOf([version('v1', 100), failed]) });
  const line = document.querySelector<HTMLElement>('[data-version="v3"]')!;
  expect(within(line).getByText('failed')).toBeTruthy();
  expect(screen.getByText(reason)).toBeTruthy();
  expect(screen.queryByLabelText('v3')).toBeNull();
});

describe('a version that a failed test keeps from traffic', () => {
  const gates = [
    { name: 'start', limit: 'every process answers', measured: '2', passed: true },
    { name: 'latency', limit: 'p99 at most 30 ms', measured: '44 ms', passed: false }
  ];
  const stopped = version('v3', 0, { state: 'failed', gates });

  const overridden = async (value: string | null): Promise<jest.Mock> => {
    jest.spyOn(InputDialog, 'getText').mockResolvedValue({
      button: { accept: value !== null },
      value
    } as unknown as Awaited<ReturnType<typeof InputDialog.getText>>);
    const deploy = jest.fn(async () => ({ ref: 'job:7f' }));
    await opened({ deployment: deploymentOf([version('v1', 100), stopped]), verbs: { deploy } });
    const card = screen.getByText('v3 may not take traffic').closest<HTMLElement>('section')!;
    expect(card.textContent).toContain('latency: measured 44 ms, limit p99 at most 30 ms');
    fireEvent.click(within(card).getByRole('button', { name: 'Override…' }));
    await settle();
    return deploy;
  };

  it('says which and why, and is deployed all the same for a reason', async () => {
    expect(await overridden(' only for the night run ')).toHaveBeenCalledWith({
      name: 'flights',
      version: 'flights/3',
      override: 'only for the night run'
    });
  });

  it.each(['  ', null])('is not deployed for the reason %p', async value => {
    jest.spyOn(Notification, 'error').mockReturnValue('');
    expect(await overridden(value)).not.toHaveBeenCalled();
  });
});

describe('a version that did not start', () => {
  const failing = (name: string): object => ({
    name,
    limit: 'it is built',
    measured: 'uv failed',
    passed: false,
    log: 'requirements need numpy<2'
  });

  const again = async (
    test: string,
    button: string,
    jobs: readonly object[]
  ): Promise<jest.Mock[]> => {
    const stopped = version('v3', 0, {
      state: 'failed',
      runtime: 'open-inference',
      gates: [failing(test)]
    });
    const clone = jest.fn(async () => ({ ref: 'job:8a' }));
    const deploy = jest.fn(async () => ({ ref: 'job:9b' }));
    const submit = jest.fn(async () => ({ ref: 'job:7c' }));
    await opened({
      deployment: deploymentOf([version('v1', 100), stopped]),
      verbs: { deploy },
      jobs: { list: async () => ({ items: jobs }), clone, submit }
    });
    const card = screen.getByText('v3 may not take traffic').closest<HTMLElement>('section')!;
    const log = card.querySelector('details')!;
    expect([log.open, log.querySelector('pre')?.textContent]).toEqual([
      false,
      'requirements need numpy<2'
    ]);
    fireEvent.click(within(card).getByRole('button', { name: button }));
    await settle();
    return [clone, deploy, submit];
  };

  it('has the end of its log, folded, and is deployed again as it was', async () => {
    const jobs = [
      { id: '1', name: 'deploy flights/2 to flights', command: [] },
      { id: '2', name: 'deploy flights/3 to flights', command: ['deploy', '--traffic=10'] },
      { id: '3', name: 'deploy flights/3 to flights', command: ['deploy', '--override=so'] }
    ];
    const [clone, deploy] = await again('environment', 'Build Its Environment', jobs);
    expect(clone).toHaveBeenCalledWith('2');
    expect(deploy).not.toHaveBeenCalled();
  });

  it('is deployed again without the reason that overrode a test once', async () => {
    const words = [
      'mlinfra',
      'deploy',
      '--traffic=10',
      '--override=the old reason',
      '--',
      'flights/3'
    ];
    const labels = { verb: 'deployments deploy' };
    const name = 'deploy flights/3 to flights';
    const [clone, , submit] = await again('start', 'Try Again', [
      { id: '2', name, command: words, cpus: 0, labels }
    ]);
    expect(clone).not.toHaveBeenCalled();
    const command = ['mlinfra', 'deploy', '--traffic=10', '--', 'flights/3'];
    expect(submit).toHaveBeenCalledWith({ name, command, cpus: 0, labels });
  });

  it('is deployed on its runtime where the job of its deploy is not known', async () => {
    const [clone, deploy] = await again('start', 'Try Again', []);
    expect(clone).not.toHaveBeenCalled();
    expect(deploy).toHaveBeenCalledWith({
      name: 'flights',
      version: 'flights/3',
      runtime: 'open-inference'
    });
  });
});

it('an override is for the stopped version that was named, and for one that has started', async () => {
  const told = jest.spyOn(Notification, 'error').mockReturnValue('');
  told.mockClear();
  const failing = (name: string): object => ({ name, limit: '', measured: '', passed: false });
  const versions = [
    version('v1', 100),
    version('v2', 0, { state: 'failed', gates: [failing('latency')] }),
    version('v3', 0, { state: 'failed', gates: [failing('latency'), failing('start')] })
  ];
  const deploy = jest.fn();
  const now = async (): Promise<object> => ({ deployment: deploymentOf(versions) });
  const { commands, seen } = fakeWorkbench({ deployments: { show: now, deploy } }).workbench;
  const id = 'mlinfra:deployments-override';
  const ref = 'deployment:flights';
  for (const named of ['v1', 'v3']) {
    await commands.execute(id, { ref, version: named });
    expect(told.mock.lastCall?.[0]).toContain(`${named} of flights needs no override`);
  }
  expect(deploy).not.toHaveBeenCalled();
  seen.note(ref, deploymentOf(versions));
  expect(commands.isEnabled(id, { ref })).toBe(true);
  seen.note(ref, deploymentOf([versions[0]!, versions[2]!]));
  expect(commands.isEnabled(id, { ref })).toBe(false);
});

it('a version that has not started cannot be overridden, and says which test stopped it', async () => {
  const gates = [
    { name: 'signature', limit: 'named', measured: '3 inputs', passed: true },
    { name: 'start', limit: 'every process answers', measured: 'ImportError', passed: false }
  ];
  const stopped = version('v3', 0, { state: 'failed', gates });
  await opened({ deployment: deploymentOf([version('v1', 100), stopped]) });
  const card = screen.getByText('v3 may not take traffic').closest<HTMLElement>('section')!;
  expect(card.textContent).toContain('start: measured ImportError, limit every process answers');
  expect(within(card).queryByRole('button', { name: 'Override…' })).toBeNull();
});

it('a test that measured nothing is neither passed nor failed', async () => {
  const gates = [{ name: 'memory', limit: '128 MiB', measured: 'nobody knows', passed: null }];
  await opened({ deployment: deploymentOf([version('v1', 100, { gates })]) });
  expect(screen.getByText('nobody knows').closest('[data-state="no_data"]')).toBeTruthy();
});

it('the figures of a version: none, nothing, tiny and huge', async () => {
  const figures = {
    requests_per_second: exactly(12_345_678.9),
    p50_ms: exactly(0.000_002),
    p95_ms: exactly(null),
    error_fraction: exactly(0.000_004)
  };
  await opened({
    deployment: deploymentOf([version('v1', 100, figures), version('v2', 0)])
  });
  const texts = (name: string): string =>
    screen.getByRole('table').querySelector(`[data-version="${name}"]`)?.textContent ?? '';
  expect(texts('v1')).toContain('12,345,679/s');
  expect(texts('v1')).toContain('p50 2.00e-6 ms');
  expect(texts('v1')).toContain('p95 –');
  expect(texts('v1')).toContain('errors < 0.01 %');
  expect(texts('v2')).not.toMatch(/NaN|null|undefined|p50|errors/);
});

describe('an answer that was asked for', () => {
  const ask = async (predict: jest.Mock): Promise<void> => {
    await opened({ verbs: { predict } });
    fireEvent.click(screen.getByRole('tab', { name: 'Try It' }));
    fireEvent.click(screen.getByRole('button', { name: 'Ask' }));
    await settle();
  };

  it('shows what is missing, no number, tiny, huge and negative; and which version gave it', async () => {
    const predictions = [
      [null, 'NaN', 1e-7],
      [-12.5, 1e300, '<b>late</b>']
    ];
    await ask(
      jest.fn(async () => ({
        version: 'v2',
        predictions,
        names: ['a', 'b'],
        request_id: 'r-1',
        milliseconds: 3.14159
      }))
    );
    expect(cells('Predictions').map(row => row.slice(0, 4))).toEqual([
      ['1', '∅', 'NaN', '1.00000e-7'],
      ['2', '−12.5', '1.00000e+300', '<b>late</b>']
    ]);
    expect(screen.getByText(/from v2 in/).textContent).toContain('3.14 ms · r-1');
  });

  it('of many rows shows a hundred and says of how many', async () => {
    const predictions = Array.from({ length: 250 }, (_, index) => index);
    await ask(
      jest.fn(async () => ({
        version: 'v1',
        predictions,
        names: [],
        request_id: 'r',
        milliseconds: 1
      }))
    );
    expect(cells('Predictions')).toHaveLength(100);
    expect(screen.getByText('100 of 250')).toBeTruthy();
  });

  it('that failed says why and the fix, and can be asked again', async () => {
    const predict = jest
      .fn()
      .mockRejectedValueOnce(BROKEN)
      .mockResolvedValueOnce({
        version: 'v1',
        predictions: [1],
        names: [],
        request_id: 'r',
        milliseconds: 1
      });
    await ask(predict);
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    fireEvent.click(screen.getByRole('button', { name: 'Ask' }));
    await settle();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(cells('Predictions')).toEqual([['1', '1', '']]);
  });
});

it('the history says who, what and why; a change of traffic can be undone', async () => {
  const change = (id: number, verb: string, more: object = {}): object => ({
    id,
    at: '2026-01-01T00:00:00Z',
    user: 'ada',
    verb,
    text: '',
    reason: '',
    traffic: { v1: 90, v2: 10 },
    ...more
  });
  const history = [
    change(3, 'traffic', { reason: HOSTILE[0]![1] }),
    change(2, 'traffic', { traffic: { v1: 50, v2: 50 }, text: 'v2 0 → 50 %' }),
    change(1, 'deploy', { traffic: { v1: 100 } })
  ];
  const traffic = jest.fn(async () => TWO);
  await opened({ verbs: { history: async () => pageOf(history), traffic } });
  fireEvent.click(screen.getByRole('tab', { name: 'History' }));
  await settle();
  const table = screen.getByRole('grid', { name: 'History of flights' });
  const rows = cells('History of flights');
  expect(rows.map(row => row[2])).toEqual(['traffic', 'traffic', 'deploy']);
  expect(rows[0]?.slice(4, 6)).toEqual(['v1 90 %, v2 10 %', HOSTILE[0]![1]]);
  expect(rows[1]?.[5]).toBe('–');
  expect(table.querySelector('img')).toBeNull();
  expect(rows.map(row => row[6])).toEqual([
    'undo reaches v1 50 %, v2 50 % Undo This',
    'undo reaches v1 Undo This…',
    ''
  ]);
  fireEvent.click(screen.getByRole('button', { name: 'Undo This' }));
  await settle();
  expect(traffic).toHaveBeenCalledWith('flights', { v1: 50, v2: 50 }, 'undo: traffic');
});

it.each([
  ['healthy', 'healthy'],
  ['degraded', 'degraded'],
  ['down', 'down'],
  ['building', 'building']
])(
  'a deployment that is %s is read aloud as such, with its rate and its shares',
  async (state, word) => {
    const rates = { requests_per_second: exactly(2.5), p95_ms: exactly(41.26) };
    const deployment = deploymentOf([version('v1', 90, rates), version('v2', 10, rates)], {
      state
    });
    show(
      fakeWorkbench({ deployments: { list: async () => pageOf([deployment]) } }),
      <DeploymentsSection />
    );
    await settle();
    const row = screen.getByRole('treeitem');
    expect(within(row).getByRole('img', { name: word })).toBeTruthy();
    expect(row.textContent).toContain('5/s');
    expect(row.textContent).toContain('41.3 ms');
    expect(row.textContent).toContain('v1 90 % · v2 10 %');
  }
);
