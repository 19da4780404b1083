import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IExplained, IUse, IViewDetail, IViewStatistics } from '../../api/types';
import { BROKEN, cells, exactly, pageOf, pass, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import ViewPage from '../page/page';
import { typedUtc } from '../utc';

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2013-12-01T12:00:00Z') }));
afterEach(() => jest.useRealTimers());

const DETAIL = {
  view: {
    ref: 'view:weather',
    name: 'weather',
    entities: ['airport'],
    features: 2,
    ttl_seconds: 10_800,
    dataset: 'flights.weather',
    owner: '',
    tags: {},
    description: '',
    online: true,
    freshness: 'fresh',
    online_at: '2013-12-01T11:00:00Z',
    source_at: '2013-12-01T11:51:00Z',
    problem: '',
    fix: '',
    kind: 'batch',
    deprecated: null,
    version: 3
  },
  features: ['gust', 'rain'].map(name => ({
    ref: `feature:weather:${name}`,
    name,
    view: 'weather',
    type: 'f64',
    description: '',
    fill: exactly(0.5),
    used_by: []
  })),
  join_keys: ['origin'],
  asks: [],
  timestamp_column: 'known_at',
  created_column: 'made_at',
  rows: exactly(26_115),
  code: { python: 'import jupyter_mlinfra as ml', online: 'mlinfra features online weather:*' },
  versions: [],
  uses: [],
  services: [],
  push: '',
  windows: [],
  labels: null
} as unknown as IViewDetail;

const row = (hour: string, verdict: string, why: string): object => ({
  event_at: hour && `2013-07-12T${hour}:00Z`,
  created_at: null,
  values: { gust: 31.1, rain: null },
  verdict,
  why
});

const EXPLAINED = {
  view: 'weather',
  entity: { origin: 'JFK' },
  at: '2013-07-12T18:30:00Z',
  ttl_seconds: 10_800,
  known_only: false,
  taken: row('17:51', 'taken', 'latest event'),
  rows: [
    row('17:51', 'taken', 'latest event'),
    row('17:51', 'tie_created', 'a correction replaced it'),
    row('18:51', 'later', 'not known yet'),
    row('14:51', 'expired', 'the ttl is 3 h')
  ],
  shown: 4,
  total: 1204,
  verdicts: {},
  masked: [],
  note: '',
  windows: []
} as unknown as IExplained;

const KNOWN = {
  view: 'weather',
  ref: 'view:weather',
  told_from: 'the rows of the source',
  rows: exactly(26_115),
  ttl_seconds: 10_800,
  profile: {
    ref: 'view:weather',
    snapshot: null,
    tier: 'exact',
    rows: 26_115,
    files_read: 0,
    seconds: 1,
    columns: {
      gust: {
        type: 'f64',
        nulls: 5,
        distinct: 9,
        min: 1,
        max: 40,
        mean: 25.5,
        std: 2,
        quantiles: { '0.5': 25 },
        top: [],
        shape: {
          kind: 'bins',
          bars: [{ low: 1, high: 2, label: '1', count: 3 }],
          below: 0,
          above: 0
        },
        basis: { mean: 'exact' },
        errors: {},
        sample: null
      }
    }
  },
  features: [
    {
      name: 'gust',
      fill: exactly(0.5),
      newest: '2013-12-01T11:22:00Z',
      freshness: 'fresh',
      drift: exactly(0.31),
      ks: exactly(0.2),
      skew: { value: 0.02, basis: 'sample', n: 1000, error: null }
    },
    {
      name: 'rain',
      fill: exactly(0),
      newest: null,
      freshness: 'never',
      drift: null,
      ks: null,
      skew: null
    }
  ],
  training: null,
  no_drift: 'No training set was made.',
  skew: null,
  skew_at: null,
  masked: [],
  problem: '',
  fix: ''
} as unknown as IViewStatistics;

const USES: IUse[] = [
  {
    ref: 'version:delay/7',
    kind: 'version',
    name: 'delay v7',
    aliases: ['champion'],
    features: ['gust'],
    at: '2013-11-01T00:00:00Z'
  },
  {
    ref: 'run:c0ffee',
    kind: 'run',
    name: 'first try',
    aliases: [],
    features: ['gust', 'rain'],
    at: '2013-10-01T00:00:00Z'
  }
];

async function opened(
  tab: string,
  client: object = {},
  detail = DETAIL,
  others: object = {}
): Promise<IFake> {
  const features = {
    show: async () => detail,
    statistics: async () => KNOWN,
    uses: async () => pageOf(USES),
    ...client
  };
  const fake = fakeWorkbench({ features, ...others });
  fake.kept.set('view:view:weather', tab);
  show(fake, <ViewPage reference="view:weather" name="weather" />);
  await settle();
  return fake;
}

describe('As of', () => {
  const ask = async (explain: jest.Mock): Promise<void> => {
    await opened('asof', { explain });
    fireEvent.change(screen.getByLabelText('origin'), { target: { value: ' JFK ' } });
    fireEvent.change(screen.getByLabelText('at'), { target: { value: '2013-07-12 18:30' } });
    fireEvent.click(screen.getByRole('checkbox', { name: /only what was written/ }));
    fireEvent.click(screen.getByRole('button', { name: 'Explain' }));
    await settle();
  };

  it('asks with keys as text and the time in UTC, and shows the taken row first', async () => {
    const explain = jest.fn(async () => EXPLAINED);
    await ask(explain);
    expect(explain).toHaveBeenCalledWith('weather', {
      entity: { origin: 'JFK' },
      at: '2013-07-12T18:30Z',
      known_only: true
    });
    expect(cells('Rows of this key').map(row => [row[0], row[3], row[4]])).toEqual([
      ['2013-07-12 17:51', 'taken', 'latest event'],
      ['2013-07-12 17:51', 'refused', 'a correction replaced it'],
      ['2013-07-12 18:51', 'refused', 'not known yet'],
      ['2013-07-12 14:51', 'refused', 'the ttl is 3 h']
    ]);
    expect(screen.getByRole('img', { name: /Rows around/ })).toBeTruthy();
    expect(screen.getByText(/1,200 more rows/)).toBeTruthy();
  });

  it.each([
    ['2013-07-12', '2013-07-12T00:00Z'],
    ['2013-07-12T18:30+02:00', '2013-07-12T18:30+02:00'],
    ['2013-07-12  18:30 +02:00', '2013-07-12T18:30+02:00'],
    ['2013-07-12 18:30:05.25 -0230', '2013-07-12T18:30:05.25-0230'],
    ['2013-07-12 18:30z', '2013-07-12T18:30Z'],
    ['2013-07-12 18:30 Z ', '2013-07-12T18:30Z'],
    // What the server refuses: nothing of it may be left out, or it is another moment.
    ['2013-07-12 18:30 PST', '2013-07-12 18:30 PST'],
    ['2013-07-12 06:30 PM', '2013-07-12 06:30 PM'],
    ['yesterday', 'yesterdayT00:00Z'],
    ['20130712', '20130712T00:00Z']
  ])('a moment typed as %s is asked for as %s', (typed, asked) => {
    expect(typedUtc(typed)).toBe(asked);
  });

  it('takes a day alone, and a time with its zone', async () => {
    const explain = jest.fn(async () => EXPLAINED);
    await opened('asof', { explain });
    fireEvent.change(screen.getByLabelText('origin'), { target: { value: 'JFK' } });
    for (const value of ['2013-07-12', '2013-07-12 18:30 +02:00', '2013-07-12 06:30 PM']) {
      fireEvent.change(screen.getByLabelText('at'), { target: { value } });
      fireEvent.click(screen.getByRole('button', { name: 'Explain' }));
      await settle();
    }
    const calls = explain.mock.calls as unknown as [string, { at: string }][];
    expect(calls.map(([, { at }]) => at)).toEqual([
      '2013-07-12T00:00Z',
      '2013-07-12T18:30+02:00',
      '2013-07-12 06:30 PM'
    ]);
  });

  it('begins at the newest row, and says when there is no row, or why it failed', async () => {
    await ask(jest.fn(async () => ({ ...EXPLAINED, rows: [], shown: 0, total: 0, taken: null })));
    expect(screen.getByText(/no row of this key/)).toBeTruthy();
    document.body.replaceChildren();
    await opened('asof', { explain: jest.fn().mockRejectedValue(BROKEN) });
    expect(screen.getByLabelText<HTMLInputElement>('at').value).toBe('2013-12-01 11:51');
    fireEvent.change(screen.getByLabelText('origin'), { target: { value: 'JFK' } });
    fireEvent.click(screen.getByRole('button', { name: 'Explain' }));
    await settle();
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
  });
});

it('the code of the page is that of the look-up which is shown, until another tab is', async () => {
  const row = {
    entity: { origin: 'JFK' },
    values: { 'weather:gust': 1 },
    status: { 'weather:gust': 'PRESENT' },
    event_at: {}
  };
  const code = jest.fn(async () => ({ python: 'ml.features(…).online(origin="JFK")' }));
  await opened('online', { online: async () => [row], explain: async () => EXPLAINED }, DETAIL, {
    code
  });
  fireEvent.change(screen.getByLabelText('origin'), { target: { value: 'JFK' } });
  fireEvent.submit(screen.getByRole('button', { name: 'Look Up' }).closest('form')!);
  await settle();
  await pass(500); // code waits until the fields are at rest
  await settle();
  const shown = screen.getByRole('group', { name: 'Code' });
  const values = { view: 'weather', entity: { origin: 'JFK' } };
  expect(code).toHaveBeenCalledWith({ call: 'features-online', values }, expect.anything());
  expect(shown.textContent).toContain('.online(origin="JFK")');
  fireEvent.click(screen.getByRole('tab', { name: 'Features' }));
  await settle();
  expect(shown.textContent).not.toContain('.online(');
});

it('the features show freshness, mean, drift, skew and models by name, champions marked', async () => {
  await opened('features');
  const [gust, rain] = cells('Features of weather');
  expect(gust?.slice(2, 6)).toEqual(['50 %', '38 min', '3 h', 'delay v7 champion +1']);
  expect([gust?.[6], ...(gust?.slice(8) ?? [])]).toEqual(['25.5', '0.31', '2 %']);
  expect(screen.getAllByTitle('first try').map(node => node.textContent)).toEqual([' +1']);
  expect(rain?.slice(3, 7)).toEqual(['never', '3 h', 'first try', '']);
  expect(rain?.slice(8)).toEqual(['–', '–']);
  expect(document.body.textContent).not.toContain('c0ffee');
});

it('the statistics say what drift is measured against', async () => {
  await opened('statistics');
  expect(screen.getByText('No training set was made.')).toBeTruthy();
  expect(cells('Statistics of weather')[0]?.[0]).toBe('gust');
});

it('an on-demand view says what its statistics are of, and is computed on a sample', async () => {
  const told_from = 'what a training set gets at 20 events of clicks';
  const compute = jest.fn(async () => ({ ref: 'job:1', id: '1', state: 'succeeded' }));
  const view = { ...DETAIL.view, kind: 'on_demand', online: false };
  const detail = { ...DETAIL, view, timestamp_column: '' } as unknown as typeof DETAIL;
  const statistics = jest
    .fn()
    .mockResolvedValueOnce({ ...KNOWN, profile: null, told_from: 'No training set has them.' })
    .mockResolvedValue({ ...KNOWN, told_from });
  await opened('statistics', { compute, statistics }, detail);
  expect(screen.getByText('No training set has them.')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Compute on a Sample' }));
  await settle();
  expect(compute).toHaveBeenCalledWith('weather');
  expect(await screen.findByText(`of ${told_from}`)).toBeTruthy();
});

it('two versions of a view are compared', async () => {
  const compare = jest.fn(async (before: string, after: string) => ({
    before,
    after,
    added: ['seen'],
    removed: [],
    retyped: { gust: ['i64', 'f64'] },
    changes: [{ what: 'ttl', before: '1 d', after: '2 d' }],
    code: '-    return rows * 2\n+    return rows * 3',
    same: before === after
  }));
  const detail = { ...DETAIL, versions: ['weather@v1', 'weather@v0'] };
  await opened('versions', { compare }, detail);
  expect(compare).toHaveBeenCalledWith('weather@v0', 'weather', expect.anything());
  expect(cells('Differences of weather@v0 and weather')).toEqual([
    ['seen', '–', 'new feature'],
    ['type of gust', 'i64', 'f64'],
    ['ttl', '1 d', '2 d']
  ]);
  expect(screen.getByText(/return rows \* 3/)).toBeTruthy();
  fireEvent.change(screen.getByLabelText('after'), { target: { value: 'weather@v0' } });
  await settle();
  expect(screen.getByText('They do not differ.')).toBeTruthy();
});

it('what uses a view stands with champions first', async () => {
  await opened('uses');
  expect(cells('What uses weather').map(row => row.slice(0, 3))).toEqual([
    ['delay v7 champion', 'version', 'gust'],
    ['first try', 'run', 'gust, rain']
  ]);
});

it('as of tells which rows are in a window, and what the window gives', async () => {
  const windows = [
    { feature: 'gust', column: 'wind', function: 'max', seconds: 3600, slide: 3600 }
  ];
  const held = {
    feature: 'gust',
    column: 'wind',
    function: 'max',
    start: '2013-07-12T17:00:00Z',
    end: '2013-07-12T18:00:00Z',
    rows: 2,
    without: 1,
    value: 40
  };
  const explain = jest.fn(async () => ({
    ...EXPLAINED,
    taken: null,
    rows: EXPLAINED.rows.map(row => ({ ...row, verdict: 'counted' as const })),
    windows: [held]
  }));
  await opened('asof', { explain }, { ...DETAIL, windows });
  fireEvent.change(screen.getByLabelText('origin'), { target: { value: 'JFK' } });
  fireEvent.click(screen.getByRole('button', { name: 'Explain' }));
  await settle();
  expect(cells('Windows at this time')).toEqual([
    ['gust', '40', 'max · wind', '2013-07-12 17:00', '2013-07-12 18:00', '2, 1 without a value']
  ]);
  expect(cells('Rows of this key')[0]?.[3]).toBe('counted');
  expect(screen.queryByText(/No row counts/)).toBeNull();
});

it('a view whose values are computed has statistics, and no rows to explain', async () => {
  const view = { ...DETAIL.view, kind: 'on_demand' as const };
  await opened('features', {}, { ...DETAIL, view, timestamp_column: '' });
  expect(screen.getAllByRole('tab').map(({ textContent }) => textContent)).toEqual([
    'Features',
    'Online',
    'Statistics',
    'Lineage',
    'Used by',
    'Code'
  ]);
});
