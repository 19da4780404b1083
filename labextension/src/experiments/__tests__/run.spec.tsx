import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import RunPage from '../run';

const settle = (): Promise<void> =>
  act(async () => {
    await new Promise(resolve => setTimeout(resolve));
  });

const RUN = {
  ref: 'run:7f3a99c1',
  id: '7f3a99c1',
  name: 'depth 6',
  experiment: 'churn',
  status: 'finished',
  metrics: {},
  params: {},
  tags: {},
  versions: [],
  datasets: []
};

it('a run names its tab', async () => {
  const onTitle = jest.fn();
  show(
    fakeWorkbench({ experiments: { run: async () => RUN } }),
    <RunPage reference={RUN.ref} name={RUN.id} onTitle={onTitle} />
  );
  await settle();
  expect(onTitle).toHaveBeenCalledWith('depth 6 7f3a');
});

it('a model that cannot be deployed is said to be so when it is registered, and the button says that it is under way', async () => {
  const notified = jest.spyOn(Notification, 'success');
  let answer: (version: object) => void = () => undefined;
  const register = jest.fn(() => new Promise(resolve => (answer = resolve)));
  const fake = fakeWorkbench({ experiments: { run: async () => RUN, register } });
  show(fake, <RunPage reference={RUN.ref} name={RUN.id} />);
  await settle();
  fireEvent.click(screen.getByRole('button', { name: 'Register…' }));
  await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeTruthy());
  document.querySelector<HTMLElement>('.jp-Dialog .jp-mod-accept')?.click();
  const busy = await screen.findByRole('button', { name: 'Registering…' });
  expect((busy as HTMLButtonElement).disabled).toBe(true);
  await act(async () =>
    answer({ ref: 'version:churn/3', version: 3, unservable: 'It is of flavor sklearn.' })
  );
  expect(notified.mock.calls[0]?.[0]).toBe(
    'churn has version 3. It cannot be deployed: It is of flavor sklearn.'
  );
  expect(fake.open).toHaveBeenCalledWith('version:churn/3');
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
