import type { JupyterFrontEnd } from '@jupyterlab/application';
import { act } from '@testing-library/react';

import { fakeWorkbench, type IFake } from '../../components/__tests__/workbench';
import { computeUse, firingUse } from '../counts';
import { status } from '../status';

const fetched = jest.fn(async () => undefined);
jest.mock('../widget', () => ({
  ...jest.requireActual<object>('../widget'),
  fetchDrawing: () => fetched()
}));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ANSWERS = {
  jobs: { compute: async () => ({ running: 1, waiting: 0, devices: [] }) },
  monitoring: { alerts: async () => ({ items: [], shown: 0, total: 0 }) }
};

function start({ workbench }: IFake): jest.Mock {
  const registerStatusItem = jest.fn();
  const app = { restored: Promise.resolve() } as unknown as JupyterFrontEnd;
  void status.activate(app, workbench, { registerStatusItem });
  return registerStatusItem;
}

it('the item of the status bar comes later where its code could not be fetched at first', async () => {
  fetched.mockRejectedValueOnce(new Error('Loading chunk 7 failed.'));
  const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const registerStatusItem = start(fakeWorkbench(ANSWERS));
  await act(async () => jest.advanceTimersByTimeAsync(5_000));
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(registerStatusItem).not.toHaveBeenCalled();
  await act(async () => jest.advanceTimersByTimeAsync(20_000));
  expect(registerStatusItem).toHaveBeenCalledTimes(1);
  expect(warned).toHaveBeenCalledTimes(1);
  warned.mockRestore();
});

it('it comes where a panel has asked already, and there is no further answer', async () => {
  const fake = fakeWorkbench(ANSWERS);
  for (const use of [computeUse(fake.workbench), firingUse(fake.workbench)]) {
    use.hold();
    use.look(true);
  }
  await act(async () => jest.advanceTimersByTimeAsync(100));
  const registerStatusItem = start(fake);
  await act(async () => jest.advanceTimersByTimeAsync(5_000));
  expect(registerStatusItem).toHaveBeenCalledTimes(1);
});
