import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';

import { press, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, framed, type IFake } from '../../components/__tests__/workbench';
import { Arrivals, PageContext } from '../../hooks/page';
import ViewPage from '../page/page';

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00Z') }));
afterEach(() => jest.useRealTimers());

const feature = (name: string): object => ({
  ref: `feature:weather:${name}`,
  name,
  view: 'weather',
  type: 'f64',
  description: '',
  fill: null,
  used_by: []
});

const VIEW = {
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
  freshness: 'never',
  online_at: null,
  source_at: null,
  problem: '',
  fix: '',
  kind: 'batch',
  deprecated: null,
  version: null
};

const DETAIL = {
  view: VIEW,
  features: [feature('temp'), feature('wind')],
  join_keys: ['airport'],
  asks: [],
  timestamp_column: 'at',
  created_column: null,
  rows: { value: 1, basis: 'exact', n: null, error: null },
  code: {},
  versions: [],
  uses: [],
  services: [],
  push: '',
  windows: [],
  labels: null
};

const workbench = (code: object = {}): IFake =>
  fakeWorkbench({ features: { show: async () => ({ ...DETAIL, code }) } });
const tab = (): string | null => screen.getByRole('tab', { selected: true }).textContent;

/** The page, asked for by an object in it. */
const page = (
  fake: IFake,
  target: string,
  turn: number,
  { arrive }: Arrivals
): React.ReactElement =>
  framed(
    fake,
    <PageContext.Provider value={{ target, turn, arrive, close: () => undefined }}>
      <ViewPage reference="view:weather" name="weather" />
    </PageContext.Provider>
  );

it('the key o leads from another tab to the field of the first key', async () => {
  render(page(workbench(), '', 0, new Arrivals(document.body)));
  await settle();
  expect(tab()).toBe('Features');
  act(() => screen.getByRole('tab', { selected: true }).focus());
  press('o');
  await settle();
  expect(tab()).toBe('Online');
  expect(document.activeElement).toBe(screen.getByLabelText('airport'));
});

it('a page that was asked for by one of its features shows it, on whatever tab it was left', async () => {
  Element.prototype.scrollIntoView = jest.fn();
  const fake = workbench();
  fake.kept.set('view:view:weather', 'online');
  const arrivals = new Arrivals(document.body);
  arrivals.ask(0);
  render(page(fake, 'feature:weather:wind', 0, arrivals));
  await settle();
  expect(tab()).toBe('Features');
  const row = screen.getByRole('row', { selected: true });
  expect(row.dataset.mlinfraRef).toBe('feature:weather:wind');
  fireEvent.click(screen.getByRole('tab', { name: 'Online' }));
  await settle();
  expect(tab()).toBe('Online');
});

it('a tab that the page had once and has no more is that of the features', async () => {
  const fake = workbench();
  fake.kept.set('view:view:weather', 'gone');
  render(page(fake, '', 0, new Arrivals(document.body)));
  await settle();
  expect(tab()).toBe('Features');
});

it('the tab Code has all doors once, and the keys of the strip that it stands for', async () => {
  const fake = workbench({
    python: 'ml.features(["weather:*"])',
    online: 'mlinfra features online'
  });
  fake.kept.set('view:view:weather', 'code');
  render(page(fake, '', 0, new Arrivals(document.body)));
  await settle();
  expect(screen.queryByRole('group', { name: 'Code' })).toBeNull();
  const python = screen.getByRole('region', { name: 'A training set in Python' });
  fireEvent.click(within(python).getByRole('button', { name: 'Insert' }));
  act(() => screen.getByRole('tab', { selected: true }).focus());
  press('i');
  await settle();
  expect(fake.code.insertBelow.mock.calls).toEqual([
    ['ml.features(["weather:*"])', 'python'],
    ['ml.features(["weather:*"])', 'python']
  ]);
  fireEvent.click(screen.getByRole('tab', { name: 'Features' }));
  await settle();
  expect(screen.getByRole('group', { name: 'Code' })).toBeTruthy();
});
