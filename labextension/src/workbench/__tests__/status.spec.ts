import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IStatusBar } from '@jupyterlab/statusbar';
import { act } from '@testing-library/react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { status } from '../status';

const fetched = jest.fn(async () => undefined);
jest.mock('../widget', () => ({
  ...jest.requireActual<object>('../widget'),
  fetchDrawing: () => fetched()
}));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('the item of the status bar comes later where its code could not be fetched at first', async () => {
  fetched.mockRejectedValueOnce(new Error('Loading chunk 7 failed.'));
  const { workbench } = fakeWorkbench({
    jobs: { compute: async () => ({ running: 1, waiting: 0, devices: [] }) },
    monitoring: { alerts: async () => ({ items: [], shown: 0, total: 0 }) }
  });
  const registerStatusItem = jest.fn();
  const bar = { registerStatusItem } as unknown as IStatusBar;
  const app = { restored: Promise.resolve() } as unknown as JupyterFrontEnd;
  void status.activate(app, workbench, bar);
  await act(async () => jest.advanceTimersByTimeAsync(5_000));
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(registerStatusItem).not.toHaveBeenCalled();
  await act(async () => jest.advanceTimersByTimeAsync(20_000));
  expect(registerStatusItem).toHaveBeenCalledTimes(1);
});
