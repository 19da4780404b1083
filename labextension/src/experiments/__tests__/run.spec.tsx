import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import RunPage from '../run';

const settle = (): Promise<void> =>
  act(async () => {
    await new Promise(resolve => setTimeout(resolve));
  });

it('a run says of how many metrics it draws the curves, and draws the rest when told', async () => {
  const metrics = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`m${index}`, 1]));
  const run = {
    ref: 'run:1',
    id: '1',
    name: 'a',
    experiment: 'e',
    status: 'finished',
    metrics,
    params: {},
    tags: {},
    versions: [],
    datasets: []
  };
  const curve = jest.fn(async (_: string, metric: string) => ({ metric, step: [1], value: [1] }));
  const fake = fakeWorkbench({ experiments: { run: async () => run, curve } });
  show(fake, <RunPage reference="run:1" name="1" />);
  await settle();
  await settle();
  expect(curve).toHaveBeenCalledTimes(8);
  expect(screen.getByText(/curves of 8 of 10 metrics/)).toBeTruthy();
  curve.mockClear();
  fireEvent.click(screen.getByText('next 8'));
  await settle();
  expect(curve.mock.calls.map(([, metric]) => metric)).toEqual(Object.keys(metrics));
  expect(screen.queryByText(/curves of/)).toBeNull();
});
