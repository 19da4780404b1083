import { InputDialog, Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IModel, IModelDetail, IVersion } from '../../api/types';
import { BROKEN, cells, HOSTILE, pageOf, press, settle } from '../../components/__tests__/samples';
import { confirm } from '../../components/confirm';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import ModelPage from '../model';
import { ModelsSection } from '../section';

jest.mock('../../components/confirm', () => ({
  ...jest.requireActual<object>('../../components/confirm'),
  confirm: jest.fn()
}));

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const version = (number: number, more: Partial<IVersion> = {}): IVersion => ({
  ref: `version:flights/${number}`,
  model: 'flights',
  version: number,
  aliases: [],
  run: `run${number}0000000000`,
  metrics: {},
  created_at: '2026-01-01T00:00:00Z',
  signature: true,
  notebook: null,
  run_name: '',
  datasets: [],
  unservable: '',
  fault: '',
  size_bytes: null,
  ...more
});

const detailOf = (versions: readonly IVersion[], model: Partial<IModel> = {}): IModelDetail => ({
  model: {
    ref: 'model:flights',
    name: 'flights',
    versions: versions.length,
    aliases: {},
    updated_at: null,
    description: '',
    ...model
  },
  versions,
  code: {}
});

/** The page of a model. */
async function opened(detail: IModelDetail, client: object = {}): Promise<IFake> {
  const experiments = { model: async () => detail, ...client };
  const fake = fakeWorkbench({ experiments });
  show(fake, <ModelPage reference="model:flights" name="flights" />);
  await settle();
  return fake;
}

const LABEL = 'Versions of flights';
const heads = (): string[] =>
  within(screen.getByRole('grid', { name: LABEL }))
    .getAllByRole('columnheader')
    .map(({ textContent }) => textContent);
const column = (head: string): string[] => {
  const place = heads().indexOf(head);
  return cells(LABEL).map(row => row[place] ?? '');
};

it('the run of a version is called by its name', async () => {
  await opened(detailOf([version(1, { run_name: 'eager-owl' })]));
  expect(screen.getByRole('button', { name: 'eager-owl' }).title).toBe('run:run10000000000');
});

describe('the metrics of versions', () => {
  const champion = { aliases: { champion: 1 } };

  it('stand against those of the champion', async () => {
    const versions = [
      version(3, { metrics: { auc: 0.74 } }),
      version(2, { metrics: { auc: 0.76 } }),
      version(1, { metrics: { auc: 0.75 }, aliases: ['champion'] })
    ];
    await opened(detailOf(versions, champion));
    expect(column('auc')).toEqual(['0.74 −0.01', '0.76 +0.01', '0.75']);
    expect(screen.getByText('Beside a metric: its difference to the champion, v1')).toBeTruthy();
  });

  it.each([
    ['NaN', 'NaN'],
    ['Infinity', '∞'],
    ['-Infinity', '−∞'],
    [undefined, '–'],
    [0, '0 −0.5'],
    [-2, '−2 −2.5'],
    [1e-7, '1.000e-7 −0.5'],
    [1e300, '1.000e+300 +1.0e+300']
  ])('%s reads %s, with no difference where there is none', async (value, text) => {
    const metrics = (value === undefined ? {} : { loss: value }) as IVersion['metrics'];
    const versions = [version(2, { metrics }), version(1, { metrics: { loss: 0.5 } })];
    await opened(detailOf(versions, champion));
    expect(column('loss')).toEqual([text, '0.5']);
  });

  it('stand alone where the champion has none of that name, or no number', async () => {
    const versions = [
      version(2, { metrics: { a: 1, b: 2 } }),
      version(1, { metrics: { b: 'NaN' }, aliases: ['champion'] })
    ];
    await opened(detailOf(versions, champion));
    expect([column('a'), column('b')]).toEqual([
      ['1', '–'],
      ['2', 'NaN']
    ]);
  });

  it('are sorted as numbers, with what is none at the end in either order', async () => {
    const values = [9, 'NaN', 10, -1] as const;
    await opened(detailOf(values.map((loss, index) => version(9 - index, { metrics: { loss } }))));
    const sort = (): void => {
      fireEvent.click(screen.getByRole('button', { name: 'loss' }));
    };
    sort();
    expect(column('loss')).toEqual(['10', '9', '−1', 'NaN']);
    sort();
    expect(column('loss')).toEqual(['−1', '9', '10', 'NaN']);
  });

  it('of more names than there is room for are left out, and shown on demand', async () => {
    const metrics = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map(name => [name, 1]));
    await opened(detailOf([version(1, { metrics })]));
    expect(heads()).not.toContain('e');
    fireEvent.click(screen.getByRole('button', { name: '2 more columns' }));
    expect(heads()).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'e', 'f']));
  });
});

it('versions that cannot be deployed say so, and each reason stands once below', async () => {
  const why = 'It is of flavor <b>prophet</b>.';
  const versions = [
    version(3, { unservable: why }),
    version(2, { unservable: why }),
    version(1, { fault: 'The file model.pkl is missing.', signature: false })
  ];
  await opened(detailOf(versions));
  expect(column('deployable')).toEqual(['no', 'no', 'files']);
  expect(column('signature')).toEqual(['passed', 'passed', 'missing']);
  expect(screen.getAllByText(/^Not deployable: /).map(({ textContent }) => textContent)).toEqual([
    `Not deployable: ${why}`,
    'Not deployable: The file model.pkl is missing.'
  ]);
});

it('a version says which data and views it was made from, and how large it is', async () => {
  const datasets = ['dataset:shop.orders@4711', 'view:users', 'dataset:shop.stores@12'];
  const fake = await opened(
    detailOf([version(2, { datasets, size_bytes: 2_500_000 }), version(1)])
  );
  expect(column('data')).toEqual(['shop.orders@4711shop.stores@12', '–']);
  expect(column('feature views')).toEqual(['users', '–']);
  expect(column('size')).toEqual(['2.5 MB', '–']);
  fireEvent.click(screen.getByRole('button', { name: 'shop.orders@4711' }));
  expect(fake.open).toHaveBeenCalledWith('dataset:shop.orders@4711');
});

describe('a version that a failed test keeps from traffic', () => {
  const gates = [
    { name: 'latency', passed: false, measured: '44 ms', limit: 'under 30 ms' },
    { name: 'signature', passed: true, measured: '', limit: '12 inputs' }
  ];
  const stoppedVersion = { version: 'v9', model: 'models:/flights/9', state: 'failed', traffic: 0 };
  const card = async (more: object = {}): Promise<IFake> => {
    const live = { name: 'live', versions: [{ ...stoppedVersion, gates, ...more }] };
    const fake = fakeWorkbench({
      experiments: { model: async () => detailOf([version(9)]) },
      deployments: { list: async () => pageOf([live as never]) }
    });
    show(fake, <ModelPage reference="model:flights" name="flights" />);
    await settle();
    return fake;
  };

  it('has a card with the test, what was measured and the limit, and the ways on', async () => {
    const fake = await card();
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('v9 fails “latency” in live');
    expect(alert.textContent).toContain('measured 44 ms, limit under 30 ms');
    expect(within(alert).getByRole('button', { name: 'Promote Anyway…' })).toBeTruthy();
    fireEvent.click(within(alert).getByRole('button', { name: 'Open Test' }));
    expect(fake.open).toHaveBeenCalledWith('deployment:live');
  });

  it('has none once it answers', async () => {
    await card({ state: 'ready' });
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

it('a version is deleted once that was confirmed', async () => {
  const answer = (sure: boolean): void => void jest.mocked(confirm).mockResolvedValue(sure);
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
  const remove = jest.fn(async () => version(2));
  await opened(detailOf([version(2), version(1)]), { remove });
  const button = screen.getByRole('button', { name: 'Delete v2…' });
  answer(false);
  fireEvent.click(button);
  await settle();
  expect(remove).not.toHaveBeenCalled();
  answer(true);
  fireEvent.click(button);
  await settle();
  expect(remove).toHaveBeenCalledWith('flights', 2);
  expect(jest.mocked(confirm).mock.calls[0]?.[0]).toMatchObject({
    title: 'Delete version 2 of flights?',
    action: 'Delete'
  });
  expect(notified.mock.calls[0]?.[0]).toBe('Version 2 of flights is deleted.');
});

it('a run is registered as the next version from the page of its model', async () => {
  const run = { id: '9c1e000000000000', name: 'eager-owl', experiment: 'delay' };
  jest.spyOn(InputDialog, 'getItem').mockResolvedValue({
    button: { accept: true },
    value: 'eager-owl · 9c1e0000 (delay)'
  } as never);
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
  const register = jest.fn(async () => version(3));
  await opened(detailOf([version(2)]), { register, runs: async () => pageOf([run as never]) });
  fireEvent.click(screen.getByRole('button', { name: 'Register…' }));
  await settle();
  expect(register).toHaveBeenCalledWith('flights', run.id);
  expect(notified.mock.calls[0]?.[0]).toBe('flights has version 3.');
});

it('a model of more versions than are answered says how many are shown', async () => {
  await opened(detailOf([version(300), version(299)], { versions: 300 }));
  expect(screen.getByText('2 of 300 · search finds the rest')).toBeTruthy();
  expect(screen.getByRole('grid', { name: LABEL }).getAttribute('aria-rowcount')).toBe('301');
});

it('a page that cannot be read says why and the fix; Try Again reads it', async () => {
  const detail = detailOf([version(1)]);
  const model = jest.fn().mockRejectedValueOnce(BROKEN).mockResolvedValue(detail);
  await opened(detail, { model });
  expect(screen.getByRole('alert').textContent).toContain(BROKEN.fix);
  fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
  await settle();
  expect(column('version')).toEqual(['v1']);
});

it.each(HOSTILE)(
  'a description and a notebook of %s are shown as they are',
  async (_what, text) => {
    await opened(detailOf([version(1, { notebook: text })], { description: text }));
    expect(screen.getAllByText(text)).toHaveLength(2);
    expect(column('notebook')).toEqual([text]);
  }
);

it('arrows go through the versions, and Enter opens the run of one; one without a run opens nothing', async () => {
  const fake = await opened(detailOf([version(2), version(1, { run: null })]));
  const [first] = within(screen.getByRole('grid', { name: LABEL }))
    .getAllByRole('row')
    .slice(1);
  act(() => first!.focus());
  press('Enter');
  expect(fake.open.mock.calls).toEqual([['run:run20000000000']]);
  press('ArrowDown');
  expect(document.activeElement?.textContent).toContain('v1');
  press('Enter');
  expect(fake.open).toHaveBeenCalledTimes(1);
});

describe('an alias', () => {
  const model = { aliases: { champion: 1 } };
  const button = (): HTMLElement => screen.getAllByRole('button', { name: 'Promote…' })[0]!;

  /** Promote the newest version, with an answer to the question for the alias. */
  async function promoted(value: string | null, promote: jest.Mock): Promise<void> {
    jest
      .spyOn(InputDialog, 'getItem')
      .mockResolvedValue({ value } as unknown as Awaited<ReturnType<typeof InputDialog.getItem>>);
    await opened(detailOf([version(2), version(1, { aliases: ['champion'] })], model), { promote });
    fireEvent.click(button());
    await settle();
  }

  it('moves to the version, and the notice offers to move it back', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const promote = jest.fn(async () => undefined);
    await promoted(' champion ', promote);
    expect(promote).toHaveBeenCalledWith('flights', 2, 'champion');
    expect(notified.mock.calls[0]?.[0]).toBe('champion is now v2 of flights.');
    const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
    expect(undo?.label).toBe('Undo');
    act(() => undo?.callback(new MouseEvent('click')));
    await settle();
    expect(promote).toHaveBeenLastCalledWith('flights', 1, 'champion');
  });

  it('that no version had before cannot be moved back', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    await promoted(
      'challenger',
      jest.fn(async () => undefined)
    );
    expect(notified.mock.calls[0]?.[1]?.actions).toEqual([]);
  });

  it.each([null, '  '])('moves nowhere when the answer is %p', async value => {
    const promote = jest.fn();
    await promoted(value, promote);
    expect(promote).not.toHaveBeenCalled();
  });

  it('that cannot be moved is told with the fix', async () => {
    const failed = jest.spyOn(Notification, 'error').mockReturnValue('');
    await promoted(
      'champion',
      jest.fn(() => Promise.reject(BROKEN))
    );
    expect(failed.mock.calls[0]?.[0]).toContain(BROKEN.fix);
  });
});

describe('the versions under a model in the panel', () => {
  const unfoldedWith = async (
    model: jest.Mock,
    versions: number,
    deployments: object = {}
  ): Promise<void> => {
    const item = detailOf([], { versions }).model;
    const fake = fakeWorkbench({
      experiments: { models: async () => pageOf([item]), model },
      deployments
    });
    show(fake, <ModelsSection />);
    await settle();
    act(() => screen.getByRole('treeitem').focus());
    press('ArrowRight');
    await settle();
  };
  const texts = (): string[] =>
    screen.getAllByRole('treeitem').map(({ textContent }) => textContent);

  it('are the newest eight with their main metric, and how many more there are', async () => {
    const versions = Array.from({ length: 10 }, (_, index) =>
      version(40 - index, { metrics: { 'val.auc': 0.7, accuracy: 0.9 } })
    );
    await unfoldedWith(
      jest.fn(async () => detailOf(versions)),
      40
    );
    expect(texts()).toHaveLength(10);
    expect(texts()[1]).toBe('v40 0.7');
    expect(texts()[9]).toBe('32 more versions');
  });

  it('say how many tests before traffic each has passed', async () => {
    const tested = (name: string, passed: readonly boolean[]): object => ({
      version: name,
      model: `models:/flights/${name.slice(1)}`,
      gates: passed.map((item, place) => ({ name: String(place), passed: item }))
    });
    const versions = [tested('v3', [true, false]), tested('v2', [true, true]), tested('v1', [])];
    await unfoldedWith(
      jest.fn(async () => detailOf([version(3), version(2), version(1)])),
      3,
      { list: async () => pageOf([{ name: 'live', versions } as never]) }
    );
    expect(texts().slice(1)).toEqual(['v3 tests 1/2', 'v2 tests 2/2', 'v1 ']);
  });

  it('say what failed and the fix where they cannot be read; the model stays', async () => {
    await unfoldedWith(jest.fn().mockRejectedValue(BROKEN), 1);
    expect(texts()[0]).toBe('flights1 version');
    expect(texts()[1]).toContain(BROKEN.what);
    expect(texts()[1]).toContain(BROKEN.fix);
    expect(screen.getAllByRole('treeitem')[1]?.title).toContain(BROKEN.why);
  });
});
