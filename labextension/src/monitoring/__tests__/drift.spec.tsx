import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IFeatureDrift, IHeatMap, IMonitorFigures, IMonitorStatus } from '../../api/types';
import {
  BROKEN,
  cells,
  exactly,
  HOSTILE,
  pageOf,
  press,
  settle
} from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, madeUp, show } from '../../components/__tests__/workbench';
import { dragFrom } from '../../code/drag';
import MonitorPage from '../monitor';
import { alertOf, AT, monitorOf } from './records';

jest.mock('../../code/drag', () => ({
  ...jest.requireActual<object>('../../code/drag'),
  dragFrom: jest.fn()
}));

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00Z') }));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const drift = (feature: string, psi: number, more: Partial<IFeatureDrift> = {}): IFeatureDrift => ({
  feature,
  kind: 'numeric',
  psi: exactly(psi),
  ks: null,
  wasserstein: null,
  js: exactly(0),
  hellinger: exactly(0),
  chi2: exactly(0),
  missing_reference: exactly(0),
  missing_window: exactly(0),
  edges: [0],
  reference: [0.25, 0.75],
  window: [0.5, 0.5],
  drifted: psi >= 0.2,
  ...more
});

const statusOf = (more: Partial<IMonitorStatus> = {}): IMonitorStatus => ({
  monitor: monitorOf(),
  window_start: null,
  window_end: null,
  reference: '',
  versions: {},
  p50_ms: null,
  p95_ms: null,
  error_fraction: null,
  refused_fraction: null,
  dropped: 0,
  score: null,
  drift: [],
  features: more.drift?.length ?? 0,
  trouble: '',
  problems: [],
  next_evaluation_at: null,
  outputs: [],
  predicted: null,
  alerts: [],
  code: {},
  ...more
});

const figuresOf = (more: Partial<IMonitorFigures> = {}): IMonitorFigures => ({
  monitor: 'flights',
  version: 'v1',
  segment: '',
  window_start: AT,
  window_end: AT,
  against: 'version:flights/1',
  rows: 20,
  drift: {},
  suspects: [],
  fill_rate: {},
  unseen: {},
  out_of_range: {},
  scores: null,
  performance: {
    estimated: null,
    estimated_under_shift: null,
    real: null,
    label_coverage: null
  },
  kpi: null,
  kpi_before: null,
  heat: null,
  dates: {},
  outputs: {},
  predicted: null,
  latency: null,
  retries: null,
  memory: null,
  cpu: null,
  gpu: null,
  in_flight: null,
  labels: { waiting: 0, refused: 0 },
  reasons: {},
  problems: [],
  ...more
});

const HOURS = ['2026-01-01T09:00:00Z', '2026-01-01T10:00:00Z', '2026-01-01T11:00:00Z'];

const heatOf = (
  rows: Record<string, (number | null)[]>,
  more: Partial<IHeatMap> = {}
): IHeatMap => ({
  metric: 'psi',
  version: 'v1',
  segment: '',
  starts: HOURS,
  step_seconds: 3600,
  rows: Object.entries(rows).map(([feature, values]) => ({
    feature,
    importance: 0.5,
    values,
    rows: values.map(value => (value === null ? 0 : 70))
  })),
  shown: Object.keys(rows).length,
  total: Object.keys(rows).length,
  versions: ['v1', 'v2'],
  segments: ['origin=JFK'],
  ...more
});

/** The page of a monitor, with its features as a table. */
async function opened(
  status: IMonitorStatus | jest.Mock,
  more: object = {},
  asTable = true
): Promise<IFake> {
  const answer = typeof status === 'function' ? status : async (): Promise<object> => status;
  const fake = fakeWorkbench({
    monitoring: {
      status: answer,
      figures: async () => figuresOf(),
      heat: async () => heatOf({}),
      ...more
    },
    deployments: { show: async () => ({ history: [] }) },
    pipelines: { list: async () => pageOf([]) }
  });
  fake.kept.set('monitor:heat-table', asTable);
  show(fake, <MonitorPage reference="monitor:flights" name="flights" />);
  await settle();
  return fake;
}

it('a cell of the map that is dragged brings the call that shows its distribution', async () => {
  const fake = await opened(
    statusOf({ drift: [drift('temp', 0.6)] }),
    { heat: async () => heatOf({ temp: [0.1, 0.2, 0.6] }) },
    false
  );
  fireEvent.mouseDown(document.querySelector('[data-cell="0:1"]')!, { button: 0 });
  const [, refs, label, code] = jest.mocked(dragFrom).mock.calls[0]!;
  expect(refs(false)).toEqual([]);
  expect(label).toContain('temp');
  const values = {
    name: 'flights',
    feature: 'temp',
    start: '2026-01-01T10:00:00Z',
    end: '2026-01-01T11:00:00Z'
  };
  expect(await code([])).toBe(madeUp({ call: 'monitors-distribution', values }));
  expect(fake.open).not.toHaveBeenCalled();
});

const TABLE = 'Drift of the features';
const tile = (title: string): string =>
  screen.getByText(title, { selector: 'span' }).parentElement?.textContent ?? '';

describe('the drift of features', () => {
  const features = [drift('temp', 0.61), drift('wind', 0.12), drift('hour', 0.001)];

  it('is said by word and colour, the large ones in the strongest ink', async () => {
    await opened(statusOf({ drift: features }));
    expect(cells(TABLE).map(row => [row[1], row[2]])).toEqual([
      ['drifted', '0.61'],
      ['stable', '0.12'],
      ['stable', '0.001']
    ]);
    const table = screen.getByRole('grid', { name: TABLE });
    const states = [...table.querySelectorAll('[data-state]')].map(state => state.className);
    expect(states[0]).toContain('tone-bad');
    expect(states[1]).toContain('tone-ok');
    const heat = [...table.querySelectorAll('[class*="heat-"]')].map(({ className }) =>
      Number(/heat-(\d)/.exec(className)?.[1])
    );
    expect(heat).toEqual([4, 1, 0]);
  });

  it('is not told where there are too few requests, however large it looks', async () => {
    const monitor = monitorOf({ state: 'no_data', worst: 'temp', worst_psi: exactly(0.61) });
    await opened(statusOf({ monitor, drift: features }));
    expect(cells(TABLE).map(row => row[1])).toEqual(['no data', 'no data', 'no data']);
    expect(screen.getByRole('grid', { name: TABLE }).innerHTML).not.toMatch(/heat-[1-4]|tone-bad/);
    expect(tile('drift, worst of 3')).not.toContain('drifted');
  });

  it('that is none, missing or tiny is written as such', async () => {
    const odd = drift('odd', 1e-7, {
      ks: exactly('NaN'),
      wasserstein: exactly(1234.5),
      missing_reference: exactly(null),
      missing_window: exactly(0.000_01)
    });
    await opened(statusOf({ drift: [odd, drift('none', 0)] }));
    expect(cells(TABLE)).toEqual([
      ['odd numeric', 'stable', '1.00e-7', 'NaN', '1,235', '–', '< 0.1 %'],
      ['none numeric', 'stable', '0', '–', '–', '0 %', '0 %']
    ]);
  });

  it('of very many features shows the first fifty and says of how many', async () => {
    const many = Array.from({ length: 80 }, (_, index) => drift(`f${index}`, 1 - index / 100));
    await opened(statusOf({ drift: many, features: 900 }));
    expect(cells(TABLE)).toHaveLength(50);
    expect(screen.getByRole('grid', { name: TABLE }).getAttribute('aria-rowcount')).toBe('901');
  });

  it('arrows and Enter choose the feature whose distribution is drawn', async () => {
    await opened(statusOf({ drift: features }));
    expect(screen.getByRole('region', { name: 'Distribution of temp' })).toBeTruthy();
    act(() => screen.getByRole('row', { name: /^temp/ }).focus());
    press('ArrowDown');
    press('Enter');
    expect(screen.getByRole('region', { name: 'Distribution of wind' })).toBeTruthy();
    expect(screen.queryByRole('region', { name: 'Distribution of temp' })).toBeNull();
  });

  it.each(HOSTILE)('a feature and a category of %s are shown as they are', async (_what, name) => {
    const odd = drift(name, 0.3, { edges: [name, 'other'] });
    await opened(statusOf({ drift: [odd] }));
    expect(cells(TABLE)[0]?.[0]).toBe(`${name} numeric`);
    fireEvent.click(screen.getByRole('button', { name: 'as table' }));
    await settle();
    expect(cells(`Bins of ${name.trim()}`.replace(/\s+/g, ' '))).toEqual([
      [name, '25 %', '50 %'],
      ['other', '75 %', '50 %']
    ]);
    expect(document.querySelector('img[src], script')).toBeNull();
  });

  it('the bins of a number are the ranges between its edges', async () => {
    const even = drift('x', 0.3, { edges: [-1.5, 20], reference: [0.2, 0.3, 0.5], window: [1, 0] });
    await opened(statusOf({ drift: [even] }));
    fireEvent.click(screen.getByRole('button', { name: 'as table' }));
    await settle();
    expect(cells('Bins of x')).toEqual([
      ['≤ −1.5', '20 %', '100 %'],
      ['−1.5 – 20', '30 %', '0 %'],
      ['> 20', '50 %', '–']
    ]);
  });
});

describe('the figures at the head', () => {
  it('are dashes where nothing was measured', async () => {
    await opened(statusOf({ monitor: monitorOf({ last_request_at: null, evaluated_at: null }) }));
    expect(tile('performance, estimated')).toContain('–');
    expect(tile('KPI, worth of a row')).toContain('–');
    expect(tile('requests')).toContain('none in this window');
    expect(tile('result')).toContain('–');
    expect(document.body.textContent).not.toMatch(/NaN|undefined|null/);
  });

  it('count what drifted and which rules fire; a share that is tiny is not nothing', async () => {
    await opened(
      statusOf({
        monitor: monitorOf({ worst: 'temp', worst_psi: exactly(0.61) }),
        drift: [drift('temp', 0.61), drift('wind', 0.3), drift('hour', 0.1)],
        p95_ms: exactly(1234.5),
        error_fraction: exactly(0.000_001),
        alerts: [alertOf(), alertOf({ ref: 'alert:flights/b', state: 'pending' })]
      })
    );
    expect(tile('drift, worst of 3')).toContain('temp · 2 drifted');
    expect(tile('requests')).toContain('errors < 0.01 %');
    expect(tile('requests')).toContain('p95 1,235 ms');
  });

  it('of a monitor that has no data are stale, and say since when nobody asks', async () => {
    await opened(statusOf({ monitor: monitorOf({ state: 'no_data' }) }));
    expect(tile('result')).toMatch(/silent since .*\d\d:00/);
    const tiles = document.querySelector('[class*="monitoring-tiles"]');
    expect(tiles?.className).toContain('is-stale');
  });

  it('say when the rules are judged next, and how the KPI stands to the window before', async () => {
    const kpi = {
      value: 2.5,
      low: 2,
      high: 3,
      confidence: 0.95,
      total: 30,
      rows: 12,
      outcomes: {}
    };
    await opened(statusOf({ next_evaluation_at: '2026-01-01T12:05:00Z' }), {
      figures: async () => figuresOf({ kpi, kpi_before: 3.3 })
    });
    expect(tile('result')).toMatch(/ · next \d\d:05/);
    expect(tile('KPI, worth of a row')).toContain('2.5 (−0.8)');
  });

  it('say of an estimate what it cannot see, of the real figure how many labels are in', async () => {
    const estimate = (method: string, value: number): object => ({
      method,
      metrics: { accuracy: 0.5, roc_auc: value },
      rows: 20,
      caveat: 'It is blind to concept drift.'
    });
    const figures = figuresOf({
      performance: {
        estimated: estimate('CBPE', 0.86),
        estimated_under_shift: estimate('PAPE', 0.84),
        real: {
          metrics: { roc_auc: 0.741 },
          rows: 12,
          changes: [],
          confusion: null,
          outputs: { volume: { metrics: { roc_auc: 0.625 }, rows: 7 } }
        },
        label_coverage: 0.61
      } as never,
      kpi: { value: 2.5, low: 2, high: 3, confidence: 0.95, total: 30, rows: 12, outcomes: {} }
    });
    await opened(statusOf(), { figures: async () => figures });
    expect(tile('roc_auc, estimated')).toContain('0.84est.');
    expect(tile('roc_auc, estimated')).toContain('PAPE, blind to concept drift · CBPE 0.86');
    expect(tile('roc_auc, real')).toContain('0.741');
    expect(tile('roc_auc, real')).toContain('61 % of the labels are in · volume 0.625');
    expect(tile('KPI, worth of a row')).toContain('2.5');
    expect(tile('KPI, worth of a row')).toContain('95 % in [2, 3]');
  });

  it('say what the processes use', async () => {
    const figures = figuresOf({
      memory: { mib: 212, max_mib: 240 },
      cpu: { cores: 0.31, max_cores: 0.9 },
      gpu: { mib: 1536, max_mib: 2048, load: 0.84, max_load: 0.9 },
      in_flight: 12,
      retries: 1
    });
    await opened(statusOf(), { figures: async () => figures });
    expect(tile('memory')).toContain('212 MiB');
    expect(tile('memory')).toContain(
      '0.31 cores · 1,536 MiB of GPUs · its GPUs at 84 % · at most 12 in flight · 1 retry'
    );
  });

  it('say why there is no number', async () => {
    const reasons = {
      memory: 'No process of it was seen in the window.',
      'performance.estimated': 'The reference has no labels.',
      'performance.real': 'No row of the window has a label.',
      kpi: 'It is not known what an outcome is worth.'
    };
    await opened(statusOf(), { figures: async () => figuresOf({ reasons }) });
    expect(tile('performance, estimated')).toContain('The reference has no labels.');
    expect(tile('performance, real')).toContain('No row of the window has a label.');
    expect(tile('memory')).toContain('No process of it was seen');
    expect(tile('KPI, worth of a row')).toContain('It is not known what an outcome is worth.');
  });
});

describe('the map of features and time', () => {
  const map = { temp: [0.01, null, 0.4], wind: [0.09, 0.1, 0.1] };
  const page = async (more: object = {}): Promise<IFake> =>
    opened(
      statusOf({ drift: [drift('temp', 0.31), drift('wind', 0.1)], window_end: HOURS[2]! }),
      {
        heat: async () => heatOf(map),
        figures: async () =>
          figuresOf({
            drift: { temp: { psi: 0.31 }, wind: { psi: 0.1 } } as never,
            suspects: [
              { feature: 'temp', suspicion: 0.1, importance: 0.5 },
              { feature: 'wind', suspicion: 0.05, importance: 0.5 }
            ]
          }),
        ...more
      },
      false
    );
  const cell = (name: RegExp): HTMLElement => screen.getByRole('gridcell', { name });

  it('says each cell in words, marks the large ones, and no data is not little', async () => {
    await page();
    expect(cell(/^temp, .*: PSI 0.4$/).textContent).toBe('!');
    expect(cell(/^temp, .*: no data$/).dataset.heat).toBe('none');
    expect(cell(/^temp, .*: PSI 0.01$/).dataset.heat).toBe('0');
    const row = screen.getByRole('row', { name: /^temp/ });
    expect(row.textContent).toContain('no. 1');
    expect(screen.getByRole('row', { name: /^wind/ }).textContent).not.toContain('no.');
  });

  it('is one tab stop; arrows walk, Enter asks for the distribution and its code', async () => {
    const distribution = jest.fn(async () => drift('wind', 0.1));
    const fake = await page({ distribution });
    const grid = screen.getByRole('grid', { name: 'Feature by time' });
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    act(() => cell(/^temp, .*: PSI 0.4$/).focus());
    press('ArrowDown');
    press('ArrowLeft');
    expect(document.activeElement).toBe(screen.getAllByRole('gridcell', { name: /^wind/ })[1]);
    press('Enter');
    await settle();
    expect(distribution.mock.calls[0]?.slice(0, 2)).toEqual([
      'flights',
      { feature: 'wind', start: HOURS[1], end: '2026-01-01T11:00:00Z' }
    ]);
    expect(screen.getByRole('region', { name: 'Distribution of wind' })).toBeTruthy();
    expect(fake.workbench).toBeTruthy();
  });

  it('of another version and segment is asked for with the figures', async () => {
    const heat = jest.fn(async () => heatOf(map));
    const figures = jest.fn(async () => figuresOf());
    await page({ heat, figures });
    fireEvent.change(screen.getByRole('combobox', { name: 'Version' }), {
      target: { value: 'v2' }
    });
    await settle();
    fireEvent.change(screen.getByRole('combobox', { name: 'Segment' }), {
      target: { value: 'origin=JFK' }
    });
    await settle();
    const part = { version: 'v2', segment: 'origin=JFK' };
    expect(heat).toHaveBeenLastCalledWith(
      'flights',
      { ...part, words: '', limit: 50 },
      expect.anything()
    );
    expect(figures).toHaveBeenLastCalledWith('flights', part, expect.anything());
  });
});

it('without a reference one button builds it', async () => {
  const reference = jest.fn(async () => ({ ref: 'job:7f', name: 'reference flights' }));
  await opened(statusOf({ trouble: 'v9 was registered without data.' }), { reference });
  fireEvent.click(screen.getByRole('button', { name: 'Build from the Training Data' }));
  await settle();
  expect(reference).toHaveBeenCalledWith('flights');
});

describe('an alert on the page', () => {
  it.each([
    ['firing', 'drift of temp is firing', 'is-error'],
    ['pending', 'drift of temp is pending', 'is-waiting'],
    ['no_data', 'drift of temp has no data', 'is-waiting']
  ] as const)(
    'that is %s says so, with what was measured, the limit and since when',
    async (state, words, look) => {
      await opened(statusOf({ alerts: [alertOf({ state, value: { ...exactly(0.6), n: 400 } })] }));
      const card = screen.getByRole('region', { name: 'drift of temp' });
      expect(card.textContent).toContain(words);
      expect(card.className).toContain(look);
      expect(card.textContent).toContain('PSI 0.6 · limit 0.2 · 400 rows in the window');
      expect(card.textContent).toContain('1 h');
    }
  );

  it('that is quiet is not shown, and one without a value says its text', async () => {
    const alerts = [
      alertOf({ state: 'ok', subject: 'quiet' }),
      alertOf({
        ref: 'alert:flights/errors',
        metric: 'error_fraction',
        name: 'errors',
        subject: '',
        value: exactly(null),
        owner: 'ana'
      })
    ];
    await opened(statusOf({ alerts }));
    expect(screen.queryByRole('region', { name: 'drift of quiet' })).toBeNull();
    const { textContent } = screen.getByRole('region', { name: 'errors' });
    expect(textContent).toContain('The error rate cannot be told.');
    expect(textContent).toContain('ownerana');
  });
});

describe('many alerts', () => {
  const many = Array.from({ length: 16 }, (_, index) =>
    alertOf({ ref: `alert:flights/drift/f${index}`, subject: `f${index}` })
  );
  const card = (): HTMLElement => screen.getByRole('region', { name: /^drift of f/ });
  const names = (): (string | null)[] =>
    within(card())
      .getAllByRole('button')
      .map(({ textContent }) => textContent);

  it('of a rule are one card with the names of the others; the quiet ones are a line', async () => {
    const quiet = alertOf({ state: 'ok', subject: '12 features', count: 12, labels: {} });
    const { open } = await opened(statusOf({ alerts: [...many, quiet] }));
    expect(card().textContent).toContain('drift of f0 is firing');
    expect(names().filter(name => /^f\d/.test(name ?? ''))).toHaveLength(12);
    expect(screen.getByText('ok: drift 12 features')).toBeTruthy();
    fireEvent.click(within(card()).getByRole('button', { name: 'f7' }));
    expect(open).toHaveBeenCalledWith('alert:flights/drift/f7');
    fireEvent.click(within(card()).getByRole('button', { name: '3 more' }));
    expect(names().filter(name => /^f\d/.test(name ?? ''))).toHaveLength(15);
  });

  it('that began together are one mark of the timeline', async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    await opened(
      statusOf({
        alerts: [...many.map(alert => ({ ...alert, since })), alertOf({ state: 'pending', since })]
      })
    );
    const marks = within(screen.getByRole('region', { name: 'Timeline' })).getAllByRole('button');
    expect(marks.map(({ textContent }) => textContent.trim())).toEqual(
      expect.arrayContaining([expect.stringContaining('drift × 16')])
    );
    expect(marks).toHaveLength(2);
  });

  it('that are folded are silenced together, and have no notebook', async () => {
    const text = '0 rows in the window';
    const folded = {
      state: 'no_data',
      subject: '30 features',
      count: 30,
      labels: {},
      text
    } as const;
    await opened(statusOf({ alerts: [alertOf({ ...folded, ref: 'alert:flights/drift' })] }));
    const card = screen.getByRole('region', { name: 'drift of 30 features' });
    expect(card.textContent).toContain('drift of 30 features has no data');
    expect(card.textContent).toContain(text);
    const buttons = within(card)
      .getAllByRole('button')
      .map(({ textContent }) => textContent);
    expect(buttons).toEqual(['Acknowledge…', 'Silence…', 'Open']);
  });
});

describe('the window', () => {
  const window = (): HTMLElement => screen.getByRole('combobox', { name: 'Window' });

  it('that is chosen is asked for; what was shown stays where that fails, with the fix', async () => {
    const status = jest
      .fn()
      .mockResolvedValueOnce(statusOf({ drift: [drift('temp', 0.6)] }))
      .mockRejectedValueOnce(BROKEN)
      .mockResolvedValue(statusOf({ drift: [drift('wind', 0.1)] }));
    await opened(status);
    fireEvent.change(window(), { target: { value: '3600' } });
    await settle();
    expect(status.mock.calls.map(([, options]) => options as object)).toEqual([
      {},
      { since: 3600 }
    ]);
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
    await settle();
    expect(cells(TABLE)[0]?.[0]).toBe('wind numeric');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it.each([
    ['', 'No request has been logged in this window, so there is nothing to compare.'],
    ['The version v9 has no reference.', 'The version v9 has no reference.']
  ])('without drift says why: %p', async (trouble, words) => {
    await opened(statusOf({ trouble }));
    expect(screen.getByText(words)).toBeTruthy();
    expect(screen.queryByRole('grid', { name: TABLE })).toBeNull();
  });
});

it('an evaluation says that it is under way, and with the fix that it failed', async () => {
  const failed = jest.spyOn(Notification, 'error').mockReturnValue('');
  let refuse: (error: unknown) => void = () => undefined;
  const evaluate = jest.fn(() => new Promise((_, reject) => (refuse = reject)));
  await opened(statusOf(), { evaluate });
  fireEvent.click(screen.getByRole('button', { name: 'Evaluate Now' }));
  await settle();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Evaluating…' }).disabled).toBe(
    true
  );
  expect(evaluate).toHaveBeenCalledWith('flights');
  await act(async () => refuse(BROKEN));
  await settle();
  expect(failed.mock.calls[0]?.[0]).toContain(BROKEN.fix);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Evaluate Now' }).disabled).toBe(
    false
  );
});
