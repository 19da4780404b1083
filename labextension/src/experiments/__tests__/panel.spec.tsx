import { act, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import ExperimentsPanel from '../panel';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const experiment = (runs: number | null): object => ({
  ref: 'experiment:churn',
  name: 'churn',
  runs,
  updated_at: ''
});

/** Names of runs that an unfolded experiment shows once one more run was recorded. */
async function shownLater(counted: number | null): Promise<{ asked: number; texts: string[] }> {
  const names = ['first'];
  const list = async (): Promise<object> => ({
    items: [experiment(counted)],
    shown: 1,
    total: 1,
    note: ''
  });
  const runs = jest.fn(async () => ({
    items: names.map(name => ({
      ref: `run:${name}`,
      id: name,
      name,
      status: 'succeeded',
      metrics: {}
    }))
  }));
  const fake = fakeWorkbench({ experiments: { list, runs } });
  fake.kept.set('experiments:open', ['experiment:churn']);
  const { unmount } = show(fake, <ExperimentsPanel />);
  await act(() => jest.advanceTimersByTimeAsync(1_000));
  expect(screen.getByText('first')).toBeTruthy();
  names.push('second');
  await act(() => jest.advanceTimersByTimeAsync(16_000)); // the list is asked for
  await act(() => jest.advanceTimersByTimeAsync(1_000));
  const texts = names.filter(name => screen.queryByText(name));
  unmount();
  return { asked: runs.mock.calls.length, texts };
}

describe('the newest runs of an unfolded experiment', () => {
  it('of a tracking server, which counts none, are asked for with the list', async () => {
    expect((await shownLater(null)).texts).toEqual(['first', 'second']);
  });

  it('that the list counts are asked for when their number changes', async () => {
    expect(await shownLater(1)).toEqual({ asked: 1, texts: ['first'] });
  });
});
