import { fireEvent, screen, waitFor } from '@testing-library/react';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import React from 'react';

import type { IDeployedVersion, IDeployment } from '../../api/types';
import { pass } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { PageContext } from '../../hooks/page';
import {
  faultsOf,
  type How,
  HOWS,
  howsFor,
  type IDeployForm,
  type IFaultWords,
  testedAs,
  USUAL
} from '../deployform';
import DeployPage from '../deploying';
import { VersionDrop } from '../dropping';
import { Versions } from '../versions';

const deployed = (name: string, more: Partial<IDeployedVersion> = {}): IDeployedVersion => ({
  version: name,
  model: `models:/Flights_26/${name.slice(1)}`,
  state: 'ready',
  traffic: 0,
  role: '',
  shadow: 0,
  reason: '',
  workers: 2,
  runtime: 'seldon-core',
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
  gates: [{ name: 'start', passed: true, measured: '', limit: '', basis: '' } as never],
  stale_since: null,
  ...more
});

const LIVE = {
  ref: 'deployment:live',
  name: 'live',
  target: 'local',
  versions: [deployed('v1', { traffic: 100, role: 'stable' }), deployed('v2')]
} as unknown as IDeployment;

/** What is recorded of v9 and of v1, which is live. */
const compare = jest.fn(async (name: string, version: string) => ({
  deployment: name,
  version,
  live: 'Flights_26/1',
  traffic: 100,
  rows: [
    { kind: 'metric', key: 'auc', values: [0.7, 0.8], same: false },
    { kind: 'input', key: 'delay', values: [null, 'double'], same: false },
    { kind: 'param', key: 'depth', values: ['4', '4'], same: true }
  ],
  code: 'diff --git a/t.ipynb b/t.ipynb\n--- a/t.ipynb\n+++ b/t.ipynb\n@@ -1 +1 @@\n-x = 1\n+x = 2',
  notes: ['t.ipynb has been changed since.']
}));

const VIEWS = { items: [{ name: 'weather' }, { name: 'carriers' }], total: 2 };

interface IDrawn {
  fake: IFake;
  deploy: jest.Mock;
  close: jest.Mock;
}

/** The form of a reference, in a project with a model of nine versions and two feature views. */
function drawn(reference: string, views = jest.fn(async () => VIEWS)): IDrawn {
  const deploy = jest.fn(async () => ({ ref: 'job:7f3a' }));
  const close = jest.fn();
  const versions = [9, 2, 1].map(version => ({
    version,
    aliases: version === 2 ? ['champion'] : [],
    fault: '',
    unservable: version === 1 ? 'It has no signature.' : ''
  }));
  const fake = fakeWorkbench({
    deployments: { list: async () => ({ items: [LIVE] }), deploy, compare },
    experiments: {
      models: async () => ({ items: [{ name: 'Flights_26' }, { name: 'churn' }] }),
      model: async () => ({ model: {}, versions })
    },
    features: { views }
  });
  show(
    fake,
    <PageContext.Provider value={{ target: '', turn: 0, arrive: () => null, close }}>
      <DeployPage reference={reference} name="" />
    </PageContext.Provider>
  );
  return { fake, deploy, close };
}

const field = (label: string): HTMLInputElement => screen.getByLabelText(label);
const fill = (label: string, value: string): void =>
  void fireEvent.change(field(label), { target: { value } });
const options = (label: string): string[] =>
  [...screen.getByLabelText<HTMLSelectElement>(label).options].map(({ value }) => value);
/** By role it takes a second in a form of this size. */
const button = (): HTMLButtonElement => document.querySelector('button[type="submit"]')!;
const code = (): string => document.querySelector('[aria-label="Code"]')?.textContent ?? '';
const labels = (): (string | null)[] =>
  [...document.querySelectorAll('form label')].map(({ textContent }) => textContent);

async function sent({ deploy }: IDrawn): Promise<unknown> {
  fireEvent.click(button());
  await waitFor(() => expect(deploy).toHaveBeenCalledTimes(1));
  return deploy.mock.calls[0]?.[0] as unknown;
}

it('a first deploy asks for nothing but a name, and says nothing else', async () => {
  const form = drawn('deploying:Flights_26/9');
  await screen.findByText('a new one');
  expect(field('deployment').value).toBe('flights-26');
  expect(options('how it comes in')).toEqual(['all', 'standby']);
  expect(labels()).toEqual([
    'deployment',
    'where',
    'how it comes in',
    'runtime',
    'processes',
    'a classifier answers',
    'feature views',
    'reason'
  ]);
  expect(await sent(form)).toEqual({ version: 'Flights_26/9', name: 'flights-26' });
  await waitFor(() => expect(form.close).toHaveBeenCalled());
  expect(form.fake.open).toHaveBeenCalledWith('job:7f3a');
});

it('a further version waits unless it is given something, and is never given all at once', async () => {
  const form = drawn('deploying:Flights_26/9@live');
  expect(await screen.findByText('v1 100 %')).toBeTruthy();
  expect(options('how it comes in')).toEqual(['standby', 'canary', 'shadow', 'steps']);
  expect(await sent(form)).toEqual({ version: 'Flights_26/9', name: 'live' });
});

it('a version stands beside what is live before it is deployed, and the live one beside nothing', async () => {
  drawn('deploying:new@live');
  const table = await screen.findByRole('grid', { name: 'Beside what is live' });
  expect(compare).toHaveBeenLastCalledWith('live', 'Flights_26/9', expect.anything());
  const lines = [...table.querySelectorAll('tr')].map(({ cells }) =>
    [...cells].map(({ textContent }) => textContent)
  );
  expect(lines).toEqual([
    ['what', 'name', 'Flights_26/1, live', 'Flights_26/9', ''],
    ['metric', 'auc', '0.7000', '0.8000', ''],
    ['input', 'delay', '–', 'double', '']
  ]);
  expect(screen.getByText('t.ipynb has been changed since.')).toBeTruthy();
  expect(document.querySelector('pre')?.textContent).toContain('+x = 2');
  fireEvent.click(screen.getByText('show them'));
  expect(table.querySelectorAll('tr')).toHaveLength(4);
  compare.mockClear();
  fill('version', '1');
  expect(compare).not.toHaveBeenCalled();
});

it('what is live is asked again for news of its deployment and of the model alone', async () => {
  const { fake } = drawn('deploying:new@live');
  await screen.findByRole('grid', { name: 'Beside what is live' });
  compare.mockClear();
  jest.useFakeTimers();
  const happens = (topic: 'deployment' | 'model', ref: string): void =>
    fake.emit({ topic, ref, data: {} });
  happens('deployment', 'deployment:other');
  happens('model', 'model:churn');
  await pass(1_000);
  expect(compare).not.toHaveBeenCalled();
  happens('model', 'version:Flights_26/9');
  await pass(1_000);
  expect(compare).toHaveBeenCalledTimes(1);
  jest.useRealTimers();
});

it.each([
  ['canary', { share: '25' }, { traffic: 25 }],
  ['shadow', {}, { shadow: true }],
  ['shadow', { copies: '40' }, { shadow: true, copies: 40 }],
  ['steps', {}, { steps: [5, 25, 100] }],
  [
    'steps',
    { steps: '10, 50', every: '1.5', 'and after': '0', 'judged by': 'kpi' },
    { steps: [10, 50], every: 90, least_requests: 0, goal: 'kpi' }
  ]
])('%s with %p is sent as what the command line would', async (how, fills, wish) => {
  const form = drawn('deploying:Flights_26/9@live');
  await screen.findByText('v1 100 %');
  fill('how it comes in', how);
  Object.entries(fills).forEach(([label, value]) => fill(label, value));
  const whole = { version: 'Flights_26/9', name: 'live', ...wish };
  await waitFor(() => expect(code()).toContain(JSON.stringify(whole)));
  expect(await sent(form)).toEqual(whole);
});

it('outcomes say which are better only where there are any', async () => {
  const form = drawn('deploying:Flights_26/9@live/steps');
  await screen.findByText('v1 100 %');
  expect(field('how it comes in').value).toBe('steps');
  expect(screen.queryByLabelText('better are')).toBeNull();
  fill('judged by', 'error');
  expect(options('better are')).toEqual(['', 'higher']);
  fill('better are', 'higher');
  expect(await sent(form)).toMatchObject({ goal: 'error', better: 'higher' });
});

it('carries its runtime, features and what becomes of missing values', async () => {
  const form = drawn('deploying:Flights_26/9');
  await screen.findByLabelText('feature views');
  fill('runtime', 'open-inference');
  fill('processes', '4');
  fill('a classifier answers', 'probabilities');
  expect(screen.queryByLabelText('a missing value')).toBeNull();
  fill('feature views', 'weather, carriers:delay');
  fill('a missing value', 'default');
  expect(button().disabled).toBe(true);
  fill('defaults', 'delay=1.5, sky=a, b');
  fill('reason', ' for ana ');
  expect(await sent(form)).toEqual({
    version: 'Flights_26/9',
    name: 'flights-26',
    answers: 'probabilities',
    runtime: 'open-inference',
    workers: 4,
    features: ['weather', 'carriers:delay'],
    missing: 'default',
    default: ['delay=1.5', 'sky=a, b'],
    reason: 'for ana'
  });
});

it('a field that is wrong says why, and nothing is sent', async () => {
  const { deploy } = drawn('deploying:Flights_26/9@live/steps');
  await screen.findByText('v1 100 %');
  expect(button().disabled).toBe(false);
  fill('steps', '25,5');
  expect(screen.getByText('Give shares that rise, the first below 100: 5,25,100.')).toBeTruthy();
  expect(field('steps').getAttribute('aria-invalid')).toBe('true');
  expect(button().disabled).toBe(true);
  expect(screen.getByText('once all fields are right')).toBeTruthy();
  fireEvent.submit(document.querySelector('form')!);
  expect(deploy).not.toHaveBeenCalled();
});

it('a view that is not among those of a part of the list may be there', async () => {
  const views = jest.fn(async () => ({ ...VIEWS, total: 600 }));
  drawn('deploying:Flights_26/9', views);
  await screen.findByLabelText('feature views');
  fill('feature views', 'tides');
  expect(button().disabled).toBe(false);
});

it('a view that is defined meanwhile is known', async () => {
  const views = jest.fn(async () => VIEWS);
  const { fake } = drawn('deploying:Flights_26/9', views);
  await screen.findByLabelText('feature views');
  fill('feature views', 'tides');
  expect(screen.getByText('There is no feature view tides.')).toBeTruthy();
  views.mockResolvedValue({ items: [...VIEWS.items, { name: 'tides' }], total: 3 });
  fake.emit({ topic: 'view', ref: 'view:tides', data: {} });
  await waitFor(() => expect(screen.queryByText('There is no feature view tides.')).toBeNull());
});

it('another model leaves the deployment that was named', async () => {
  drawn('deploying:new@live');
  await waitFor(() => expect(options('version')).toEqual(['9', '2', '1']));
  fill('model', 'churn');
  expect(field('deployment').value).toBe('live');
});

it.each([
  [[100], ['all']],
  [
    [80, 20],
    ['canary', 'steps']
  ],
  [
    [0, 100],
    ['standby', 'canary', 'shadow', 'steps']
  ]
])('with shares of %p the first version comes in by %p', (shares, hows) => {
  const versions = shares.map((traffic, index) => deployed(`v${index + 1}`, { traffic }));
  expect(howsFor({ version: '1', target: 'local' }, { ...LIVE, versions })).toEqual(hows);
});

it('a version has passed its tests where it is ready or answers, and none has failed', () => {
  const gates = [{ name: 'latency', passed: false } as never];
  expect(
    [
      {},
      { state: 'starting', traffic: 5 },
      { state: 'starting' },
      { gates },
      { gates, traffic: 100 }
    ].map(more => testedAs(deployed('v1', more as Partial<IDeployedVersion>)))
  ).toEqual(['passed', 'passed', '', 'failed', 'failed']);
});

describe('the fields', () => {
  const FORM: IDeployForm = {
    ...USUAL,
    model: 'Flights_26',
    version: '9',
    name: 'live',
    how: 'steps',
    features: 'weather',
    missing: 'default',
    defaults: 'sky=clear'
  };
  const say = new Proxy({}, { get: (_, key) => key }) as IFaultWords;
  const faults = (change: Partial<IDeployForm>): string[] =>
    Object.keys(
      faultsOf({ ...FORM, ...change }, LIVE, ['weather'], {
        ...say,
        view: () => 'view',
        less: () => 'less'
      })
    );

  it('are right as they begin', () => {
    expect(HOWS.map(how => faults({ how }))).toEqual(HOWS.map(() => []));
  });

  it.each<[keyof IDeployForm, string[], string[], How?]>([
    ['name', ['Live', '-a', 'a-', 'a'.repeat(64), ''], ['a', 'a'.repeat(63), 'live-2']],
    ['version', [''], ['7']],
    ['share', ['0', '101', '1.5', ''], ['1', '100'], 'canary'],
    ['copies', ['0', '101', '1.5', ''], ['1', '100'], 'shadow'],
    ['steps', ['25,5', '5,5', '100', '5,,100', '5,101', '0,5', ''], ['5', '5, 100', '1,2,3']],
    ['every', ['0', '43201', ''], ['0.5', '43200']],
    ['least', ['-1', '1.5', ''], ['0', '1000']],
    ['workers', ['0', '65', '1.5'], ['', '1', '64']],
    ['features', ['wether', 'weather, x:sky'], ['', 'weather:sky, weather']],
    ['defaults', ['', 'sky', '=1'], ['sky=', 'a=1, b=2']]
  ])('%s is wrong as %p, and right as %p', (key, wrong, right, how = 'steps') => {
    wrong.forEach(value => expect([value, faults({ how, [key]: value })]).toEqual([value, [key]]));
    right.forEach(value => expect([value, faults({ how, [key]: value })]).toEqual([value, []]));
  });

  it('ask for no less than it has', () => {
    const live = {
      ...LIVE,
      versions: [deployed('v1', { traffic: 80 }), deployed('v9', { traffic: 20 })]
    };
    const share = (percent: string): unknown =>
      faultsOf({ ...FORM, how: 'canary', share: percent }, live, null, {
        ...say,
        less: present => `has ${present}`
      }).share;
    expect([share('10'), share('20')]).toEqual(['has 20', undefined]);
    const steps = (text: string): unknown =>
      faultsOf({ ...FORM, steps: text }, live, null, { ...say, less: present => `has ${present}` })
        .steps;
    expect([steps('5,25'), steps('25,100')]).toEqual(['has 20', undefined]);
  });
});

it('a version that is there already keeps what it was built with', async () => {
  const form = drawn('deploying:Flights_26/2@live/steps');
  expect(await screen.findByText(/v2 is deployed there already, on seldon-core/)).toBeTruthy();
  expect(screen.queryByLabelText('runtime')).toBeNull();
  expect(await sent(form)).toEqual({
    version: 'Flights_26/2',
    name: 'live',
    steps: [5, 25, 100]
  });
});

it('a cluster gets no version that waits, and no steps', async () => {
  drawn('deploying:Flights_26/9@live/steps');
  await screen.findByText('v1 100 %');
  fill('where', 'kubernetes');
  expect(options('how it comes in')).toEqual(['canary', 'shadow']);
});

it('asks for the version where none was chosen, and says why one cannot be deployed', async () => {
  const form = drawn('deploying:new@live');
  await waitFor(() => expect(options('version')).toEqual(['9', '2', '1']));
  expect(field('deployment').value).toBe('live');
  fill('version', '1');
  expect(screen.getByText('It has no signature.')).toBeTruthy();
  expect(button().disabled).toBe(true);
  fill('version', '2');
  expect(await sent(form)).toEqual({ version: 'Flights_26/2', name: 'live' });
});

describe('the command', () => {
  const VERSION = { ref: 'version:churn/8', model: 'churn', version: 8 };
  const call = async (args: object): Promise<{ fake: IFake; deploy: jest.Mock }> => {
    const deploy = jest.fn(async () => ({ ref: 'job:7f3a' }));
    const fake = fakeWorkbench({
      deployments: { deploy },
      experiments: { model: async () => ({ model: { aliases: {} }, versions: [VERSION] }) }
    });
    await fake.workbench.commands.execute('mlinfra:deployments-create', args as never);
    return { fake, deploy };
  };

  it.each([
    [{ ref: 'version:churn/8' }, 'deploying:churn/8'],
    [{ ref: 'version:churn/8', options: { name: 'live' } }, 'deploying:churn/8'],
    [{ ref: 'deployment:live' }, 'deploying:new@live'],
    [{}, 'deploying:new']
  ])('of %p opens the form', async (args, form) => {
    const { fake, deploy } = await call(args);
    expect(fake.open).toHaveBeenCalledWith(form);
    expect(deploy).not.toHaveBeenCalled();
  });
});

describe('a drop on a row of a deployment', () => {
  const drop = (ref: string | null): { fake: IFake; taken: boolean } => {
    const fake = fakeWorkbench();
    show(
      fake,
      <VersionDrop>
        <p data-mlinfra-ref="deployment:live">live</p>
      </VersionDrop>
    );
    const event = new Event('lm-drop', { bubbles: true, cancelable: true });
    Object.assign(event, { mimeData: { getData: () => ref && [ref] } });
    const taken = !screen.getByText('live').dispatchEvent(event);
    return { fake, taken };
  };

  it('of a version opens the form of a canary', () => {
    const { fake, taken } = drop('version:churn/8');
    expect(taken).toBe(true);
    expect(fake.open).toHaveBeenCalledWith('deploying:churn/8@live%2Fcanary');
  });

  it.each(['model:churn', 'version:churn@champion', null])('of %p does nothing', ref => {
    const { fake, taken } = drop(ref);
    expect(taken).toBe(false);
    expect(fake.open).not.toHaveBeenCalled();
  });
});

describe('on the page of a deployment', () => {
  const versions = [
    deployed('v1', { traffic: 100, role: 'stable' }),
    deployed('v2'),
    deployed('v3', { shadow: 40, role: 'shadow' })
  ];
  const page = (): { fake: IFake; copy: jest.Mock } => {
    const copy = jest.fn(async () => LIVE);
    const deployment = { ...LIVE, versions };
    const fake = fakeWorkbench({ deployments: { copy, show: async () => ({ deployment }) } });
    show(fake, <Versions deployment={deployment} />);
    return { fake, copy };
  };
  const press = (name: string): void => void fireEvent.click(screen.getByText(name));

  it('a version on standby becomes a shadow of so many percent', async () => {
    jest
      .spyOn(InputDialog, 'getNumber')
      .mockResolvedValue({ button: { accept: true } as never, value: 25, isChecked: null });
    const { copy } = page();
    press('Shadow…');
    await waitFor(() => expect(copy).toHaveBeenCalledWith('live', 'v2', 25));
  });

  it.each<[verb: string, args: object, said: string, only?: string[]]>([
    ['start-shadow', { version: 'v2', percent: 0 }, 'v2 was made no shadow'],
    ['start-shadow', { version: 'v2', percent: '5' }, 'v2 was made no shadow'],
    ['start-shadow', { version: 'v1', percent: 5 }, 'v1 of live is in another state by now'],
    ['start-shadow', {}, 'No version of live is on standby', ['v1', 'v3']],
    ['end-shadow', {}, 'live has no shadow', ['v1', 'v2']]
  ])('%s with %p says: %s', async (verb, args, said, only = ['v1', 'v2', 'v3']) => {
    const told = jest.spyOn(Notification, 'error').mockReturnValue('');
    told.mockClear();
    const copy = jest.fn();
    const deployment = {
      ...LIVE,
      versions: versions.filter(({ version }) => only.includes(version))
    };
    const fake = fakeWorkbench({ deployments: { copy, show: async () => ({ deployment }) } });
    await fake.workbench.commands.execute(`mlinfra:deployments-${verb}`, {
      ref: 'deployment:live',
      ...args
    });
    expect(told.mock.calls[0]?.[0]).toContain(said);
    expect(copy).not.toHaveBeenCalled();
  });

  it('a shadow ends', async () => {
    const { copy } = page();
    press('End Shadow');
    await waitFor(() => expect(copy).toHaveBeenCalledWith('live', 'v3', 0));
  });

  it('a plan of a version on standby, and another version, are asked for in the form', async () => {
    const { fake } = page();
    press('Steps…');
    expect(fake.open).toHaveBeenCalledWith('deploying:Flights_26/2@live%2Fsteps');
    press('Add Version…');
    await waitFor(() => expect(fake.open).toHaveBeenCalledWith('deploying:new@live'));
  });
});
