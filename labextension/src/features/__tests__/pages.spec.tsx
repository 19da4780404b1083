import { act, fireEvent, screen, within, waitFor } from '@testing-library/react';
import React from 'react';

import type { IFeature, IOnlineRow, IView, IViewDetail } from '../../api/types';
import {
  BROKEN,
  cells,
  exactly,
  HOSTILE,
  pageOf,
  press,
  settle
} from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show, madeUp } from '../../components/__tests__/workbench';
import FeaturesPanel from '../panel';
import ViewPage from '../page/page';

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00Z') }));
afterEach(() => jest.useRealTimers());

const viewOf = (more: Partial<IView> = {}): IView => ({
  ref: 'view:weather',
  name: 'weather',
  entities: ['airport'],
  features: 2,
  ttl_seconds: null,
  dataset: null,
  owner: '',
  tags: {},
  description: '',
  online: true,
  freshness: 'fresh',
  online_at: '2026-01-01T11:00:00Z',
  source_at: null,
  problem: '',
  fix: '',
  kind: 'batch',
  deprecated: null,
  version: null,
  ...more
});

const feature = (name: string, more: Partial<IFeature> = {}): IFeature => ({
  ref: `feature:weather:${name}`,
  name,
  view: 'weather',
  type: 'f64',
  description: '',
  fill: null,
  used_by: [],
  ...more
});

const detailOf = (more: Partial<IViewDetail> = {}): IViewDetail => ({
  view: viewOf(),
  features: [feature('temp'), feature('wind')],
  join_keys: ['airport'],
  asks: [],
  timestamp_column: 'at',
  created_column: null,
  rows: exactly(26_115),
  code: {},
  versions: [],
  uses: [],
  services: [],
  push: '',
  windows: [],
  labels: null,
  ...more
});

/** The page of a view; with a look-up, on its tab. */
async function opened(detail: IViewDetail, online?: jest.Mock): Promise<void> {
  const fake = fakeWorkbench({ features: { show: async () => detail, online } });
  if (online) {
    fake.kept.set('view:view:weather', 'online');
  }
  show(fake, <ViewPage reference="view:weather" name="weather" />);
  await settle();
}

const ONLINE = 'Online values';
const write = (label: string, value: string): void => {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
};
const lookUp = async (): Promise<void> => {
  fireEvent.click(screen.getByRole('button', { name: 'Look Up' }));
  await settle();
};
const rowOf = (values: object, status: object, event_at: object = {}): IOnlineRow =>
  ({ entity: {}, values, status, event_at }) as unknown as IOnlineRow;

describe('the head of the page of a view', () => {
  it('pins the view and has its menu, but not where it shows an older state', async () => {
    const fake = fakeWorkbench({ features: { show: async () => detailOf() } });
    const { unmount } = show(fake, <ViewPage reference="view:weather" name="weather" />);
    await settle();
    expect(screen.getByRole('button', { name: 'More Verbs' })).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Pin' }));
    await settle();
    expect(fake.kept.get('pins')).toEqual(['view:weather']);
    expect(screen.getByRole('button', { name: 'Unpin' })).toBeTruthy();
    unmount();
    show(fake, <ViewPage reference="view:weather@7" name="weather" />);
    await settle();
    expect(screen.queryByRole('button', { name: /Pin|Unpin|More Verbs/ })).toBeNull();
  });
});

describe('the look-up of online values', () => {
  it('sends the keys as text and says of each value whether it is there, null, too old or missing', async () => {
    const online = jest.fn(async () => [
      rowOf(
        {
          'weather:temp': -0.5,
          'weather:wind': null,
          'weather:gust': null,
          'weather:rain': null,
          'weather:name': '<b>x</b>'
        },
        {
          'weather:temp': 'PRESENT',
          'weather:wind': 'EXPIRED',
          'weather:rain': 'NULL',
          'weather:name': 'PRESENT'
        },
        { 'weather:temp': '2026-01-01T11:00:00Z' }
      )
    ]);
    await opened(detailOf({ join_keys: ['airport', 'hour'] }), online);
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Look Up' });
    write('airport', ' 02134 ');
    write('hour', '  ');
    expect(button.disabled).toBe(true);
    write('hour', '7');
    await lookUp();
    expect(online).toHaveBeenCalledWith(
      ['weather:*'],
      [{ airport: '02134', hour: '7' }],
      expect.anything()
    );
    expect(cells(ONLINE).map(row => row.slice(0, 3))).toEqual([
      ['temp', '-0.5', 'present'],
      ['wind', '∅', 'expired'],
      ['gust', '∅', 'not found'],
      ['rain', '∅', 'null'],
      ['name', '<b>x</b>', 'present']
    ]);
    expect(cells(ONLINE).map(row => row[3] !== '–')).toEqual([true, false, false, false, false]);
  });

  it.each([
    ['NaN', 'NaN'],
    [1e-9, '1e-9'],
    [1e300, '1e+300'],
    [0, '0'],
    ['', ''],
    [true, 'true'],
    [[1, null], '[1,null]']
  ])('the value %p reads %s', async (value, text) => {
    const row = rowOf({ 'weather:temp': value }, { 'weather:temp': 'PRESENT' });
    await opened(
      detailOf(),
      jest.fn(async () => [row])
    );
    write('airport', 'JFK');
    await lookUp();
    expect(cells(ONLINE)[0]?.slice(0, 3)).toEqual(['temp', text, 'present']);
  });

  it('that fails says why and the fix, without the values of another; it can be tried again', async () => {
    const row = rowOf({ 'weather:temp': 1 }, { 'weather:temp': 'PRESENT' });
    const online = jest
      .fn()
      .mockResolvedValueOnce([row])
      .mockRejectedValueOnce(BROKEN)
      .mockResolvedValueOnce([row]);
    await opened(detailOf(), online);
    write('airport', 'JFK');
    await lookUp();
    await lookUp();
    expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
    expect(screen.queryByRole('grid', { name: ONLINE })).toBeNull();
    await lookUp();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(cells(ONLINE)).toHaveLength(1);
  });

  it('is under way once, however often it is pressed', async () => {
    const online = jest.fn(() => new Promise(() => undefined));
    await opened(detailOf(), online);
    write('airport', 'JFK');
    await lookUp();
    const busy = screen.getByRole<HTMLButtonElement>('button', { name: 'Looking Up…' });
    expect(busy.disabled).toBe(true);
    fireEvent.submit(busy.closest('form')!);
    await settle();
    expect(online).toHaveBeenCalledTimes(1);
  });
});

describe('the features of a view', () => {
  it('say how much of each is filled, and what is not known', async () => {
    const fills = [exactly(1), exactly(0), exactly(0.9999), exactly(0.000_01), exactly(null), null];
    const features = fills.map((fill, index) => feature(`f${index}`, { fill }));
    await opened(detailOf({ features, rows: exactly(null) }));
    expect(cells('Features of weather').map(row => row[2])).toEqual([
      '100 %',
      '0 %',
      '> 99.9 %',
      '< 0.1 %',
      '–',
      ''
    ]);
  });

  it.each(HOSTILE)('of %s are shown as they are', async (_what, text) => {
    const view = viewOf({ description: text, owner: text, tags: { key: text } });
    await opened(detailOf({ view, features: [feature(text, { description: text })] }));
    const [row] = cells('Features of weather');
    expect(row?.[0]).toBe(text);
    expect(screen.getAllByText(text).length).toBeGreaterThanOrEqual(3);
    expect(document.querySelector('img[src], script')).toBeNull();
  });

  it('whose source cannot be read say why, on the page and in the panel', async () => {
    const problem = 'weather.csv has no column wind.';
    const view = viewOf({ problem, tags: { team: 'growth', gold: '' } });
    await opened(detailOf({ view }));
    expect(screen.getByText(problem)).toBeTruthy();
    expect(screen.getByText('team=growth')).toBeTruthy(); // as it is searched for
    expect(screen.getByText('gold')).toBeTruthy();
    document.body.replaceChildren();
    const features = { views: async () => pageOf([view]) };
    show(fakeWorkbench({ features }), <FeaturesPanel />);
    await settle();
    expect(screen.getByRole('treeitem').textContent).toContain(problem);
  });
});

describe('the panel', () => {
  async function panel(
    features: jest.Mock,
    views = [viewOf()],
    picked: string[] = []
  ): Promise<IFake> {
    const fake = fakeWorkbench({ features: { views: async () => pageOf(views), features } });
    fake.kept.set('features:open', ['view:weather']);
    fake.kept.set('features:basket', picked);
    show(fake, <FeaturesPanel />);
    await settle();
    return fake;
  }
  const item = (name: RegExp): HTMLElement => {
    const list = screen.getByRole('tree', { name: 'Feature views' });
    return within(list).getByRole('treeitem', { name });
  };
  const basket = (): string[] =>
    within(screen.getByRole('tree', { name: 'Selected features' }))
      .getAllByRole('treeitem')
      .map(({ textContent }) => textContent);

  it('picks features by Space and by checkbox into one training set', async () => {
    const fake = await panel(jest.fn(async () => pageOf([feature('temp'), feature('wind')])));
    act(() => item(/temp/).focus());
    press(' ');
    await settle();
    expect(basket()).toEqual(['weather:temp']);
    fireEvent.click(screen.getByRole('checkbox', { name: 'Select wind' }));
    await settle();
    expect(basket()).toEqual(['weather:temp', 'weather:wind']);
    expect(screen.getByText('2 from 1 view')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Insert' }));
    await waitFor(() =>
      expect(fake.code.insertBelow).toHaveBeenCalledWith(
        madeUp(['feature:weather:temp', 'feature:weather:wind'])
      )
    );
    fireEvent.click(screen.getAllByRole('button', { name: 'Remove' })[0]!);
    await settle();
    expect(basket()).toEqual(['weather:wind']);
    fireEvent.click(screen.getByRole('button', { name: 'Empty the Selection' }));
    await settle();
    expect(screen.getByText(/^Pick features with Space/)).toBeTruthy();
  });

  it('Space on a view picks nothing', async () => {
    await panel(jest.fn(async () => pageOf([feature('temp')])));
    act(() => item(/^weather/).focus());
    press(' ');
    await settle();
    expect(screen.getByText(/^Pick features with Space/)).toBeTruthy();
  });

  it('keeps what was picked when its features cannot be read, and says the fix', async () => {
    await panel(jest.fn().mockRejectedValue(BROKEN), [viewOf()], ['feature:weather:temp']);
    expect(basket()).toEqual(['weather:temp']);
    expect(item(/cannot be read/).textContent).toContain(BROKEN.fix);
  });

  it('says how many features of a wide view are left out', async () => {
    await panel(
      jest.fn(async () => pageOf([feature('temp', { fill: exactly(0.5) })], 900)),
      [viewOf({ features: 900 })]
    );
    expect(item(/temp/).textContent).toContain('50 %');
    expect(item(/899 more features/)).toBeTruthy();
  });
});
