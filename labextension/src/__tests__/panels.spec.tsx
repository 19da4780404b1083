import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../api/errors';
import {
  BROKEN,
  exactly,
  HOSTILE,
  pageOf,
  pass,
  press,
  settle
} from '../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../components/__tests__/workbench';
import { DeploymentsSection } from '../deployments/section';
import ExperimentsPanel from '../experiments/panel';
import FeaturesPanel from '../features/panel';
import { ModelsSection } from '../models/section';
import { AlertsSection, MonitorsSection } from '../monitoring/section';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const AT = '2026-01-01T00:00:00Z';

const model = (name: string): object => ({
  ref: `model:${name}`,
  name,
  versions: 1,
  aliases: {},
  updated_at: AT,
  description: ''
});
const deployment = (name: string): object => ({
  ref: `deployment:${name}`,
  requests_by_minute: [],
  name,
  state: 'healthy',
  url: 'http://127.0.0.1',
  versions: []
});
const monitor = (name: string): object => ({
  ref: `monitor:${name}`,
  lately: [],
  name,
  deployment: name,
  state: 'ok',
  worst: '',
  worst_psi: null,
  evaluated_at: AT,
  last_request_at: AT
});
const alert = (name: string): object => ({
  ref: `alert:m/${name}`,
  name,
  monitor: 'm',
  state: 'firing',
  metric: 'psi',
  value: exactly(0.5),
  threshold: 0.2,
  subject: '',
  since: AT,
  text: 'It is too large.'
});
const experiment = (name: string): object => ({
  ref: `experiment:${name}`,
  name,
  runs: 3,
  updated_at: AT
});
const view = (name: string): object => ({
  ref: `view:${name}`,
  name,
  features: 2,
  description: '',
  freshness: 'never',
  online_at: null
});
interface IPlace {
  what: string;
  element: React.ReactElement;
  /** The accessible name of the list. */
  list: string;
  item: (name: string) => object;
  /** What the server is asked for the list. */
  client: (list: jest.Mock) => Record<string, object>;
  /** What an empty project reads. */
  empty: string;
}

/** Each list of a panel. */
const PLACES: readonly IPlace[] = [
  {
    what: 'models',
    element: <ModelsSection />,
    list: 'Models',
    item: model,
    client: models => ({ experiments: { models } }),
    empty: 'A model is what a run registered, in versions that can be deployed.'
  },
  {
    what: 'deployments',
    element: <DeploymentsSection />,
    list: 'Deployments',
    item: deployment,
    client: list => ({ deployments: { list }, experiments: { models: async () => pageOf([]) } }),
    empty: 'There is no version yet: register the model of a run.'
  },
  {
    what: 'monitors',
    element: <MonitorsSection />,
    list: 'Monitors',
    item: monitor,
    client: list => ({ monitoring: { list } }),
    empty: 'A monitor compares live requests with the training data.'
  },
  {
    what: 'alerts',
    element: <AlertsSection />,
    list: 'Alerts',
    item: alert,
    client: alerts => ({ monitoring: { alerts } }),
    empty: '0 rules, all quiet'
  },
  {
    what: 'experiments',
    element: <ExperimentsPanel />,
    list: 'Experiments',
    item: experiment,
    client: list => ({ experiments: { list } }),
    empty: 'A run is one training attempt with its settings and results.'
  },
  {
    what: 'feature views',
    element: <FeaturesPanel />,
    list: 'Feature views',
    item: view,
    client: views => ({
      features: { views, services: async () => pageOf([]) },
      code: async () => ({})
    }),
    empty: 'It is made of a dataset with a key, a column of moments and numbers'
  }
];

/** The rows of the list that stand for objects of the server. */
const rows = (list: string): HTMLElement[] =>
  within(screen.getByRole('tree', { name: list }))
    .queryAllByRole('treeitem')
    .filter(row => row.dataset.mlinfraRef);

async function opened({ element, client }: IPlace, list: jest.Mock): Promise<IFake> {
  const fake = fakeWorkbench(client(list));
  show(fake, element);
  await settle();
  return fake;
}

describe.each(PLACES.map((place): [string, IPlace] => [place.what, place]))(
  'the list of %s',
  (_what, place) => {
    const names = Array.from({ length: 120 }, (_, index) => `item-${index}`);

    it('says what failed, why and the fix; Try Again asks once more and shows the rows', async () => {
      const list = jest
        .fn()
        .mockRejectedValueOnce(BROKEN)
        .mockResolvedValue(pageOf([place.item('a')]));
      await opened(place, list);
      const card = screen.getByRole('alert').textContent;
      for (const part of [BROKEN.what, BROKEN.why, BROKEN.fix]) {
        expect(card).toContain(part);
      }
      fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
      await settle();
      expect(screen.queryByRole('alert')).toBeNull();
      expect(rows(place.list)).toHaveLength(1);
      expect(list).toHaveBeenCalledTimes(2);
    });

    it('keeps its rows when it cannot be asked anew, and says so', async () => {
      const list = jest
        .fn()
        .mockResolvedValueOnce(pageOf([place.item('a'), place.item('b')]))
        .mockRejectedValueOnce(BROKEN)
        .mockRejectedValue(new ApiError('unreachable', 'gone'));
      await opened(place, list);
      await pass(16_000);
      expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
      expect(rows(place.list)).toHaveLength(2);
      fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
      await settle();
      expect(screen.queryByRole('alert')).toBeNull();
      expect(screen.getByText(/^Last seen .* ago$/)).toBeTruthy();
      expect(rows(place.list)).toHaveLength(2);
    });

    it('says in an empty project what it is for, and has no list', async () => {
      await opened(
        place,
        jest.fn(async () => pageOf([]))
      );
      expect(document.body.textContent).toContain(place.empty);
      expect(screen.queryByRole('tree', { name: place.list })).toBeNull();
      expect(screen.queryByRole('alert')).toBeNull();
    });

    it('that is long says how much it shows', async () => {
      const list = jest.fn(async ({ limit }: { limit: number }) =>
        pageOf(names.slice(0, Math.min(limit, 100)).map(place.item), 120)
      );
      await opened(place, list);
      const more = screen.queryByRole('button', { name: 'next 50' });
      expect(rows(place.list)).toHaveLength(50);
      fireEvent.click(more!);
      await settle();
      const refs = rows(place.list).map(row => row.dataset.mlinfraRef);
      expect(refs).toHaveLength(100);
      expect(new Set(refs).size).toBe(100); // no row twice
      expect(list.mock.calls.map(([options]) => options.limit)).toEqual([50, 100]);
    });

    it.each(HOSTILE)('shows a name of %s as it is', async (_kind, name) => {
      await opened(
        place,
        jest.fn(async () => pageOf([place.item(name)]))
      );
      const [row] = rows(place.list);
      expect(row?.textContent).toContain(name);
      expect(row?.querySelector('img, script')).toBeNull();
      expect((window as { hit?: number }).hit).toBeUndefined();
    });

    it('is walked by arrows, opened by Enter, and Delete sends nothing', async () => {
      const list = jest.fn(async () => pageOf(['a', 'b', 'c'].map(place.item)));
      const fake = await opened(place, list);
      const [first, second, third] = rows(place.list);
      act(() => first!.focus());
      press('ArrowDown');
      expect(document.activeElement).toBe(second);
      press('End');
      expect(document.activeElement).toBe(third);
      press('ArrowUp');
      press('Delete');
      await settle();
      expect(document.querySelector('.jp-Dialog')).toBeNull();
      press('Enter');
      expect(fake.open.mock.calls).toEqual([[second!.dataset.mlinfraRef]]);
      expect(list).toHaveBeenCalledTimes(1);
    });
  }
);
