import { Notification } from '@jupyterlab/apputils';
import { waitFor } from '@testing-library/react';

import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { failed } from '../../components/confirm';
import { ingestFiles } from '../ingest';
import { emptyForm } from '../reading';
import { askHow } from '../register';

jest.mock('../../components/confirm', () => ({ brief: jest.fn(), failed: jest.fn() }));
jest.mock('../register', () => ({ askHow: jest.fn() }));

beforeEach(() => jest.clearAllMocks());

it('says why files cannot be registered in a folder that is no project', async () => {
  const project = (): Promise<never> =>
    Promise.reject(new ApiError('not_found', 'There is no project here.'));
  await ingestFiles(fakeWorkbench({ project }).workbench, ['a.csv']);
  expect(failed).toHaveBeenCalledWith('There is no project here.', expect.anything());
  expect(askHow).not.toHaveBeenCalled();
});

it('says why the form did not open', async () => {
  jest.mocked(askHow).mockRejectedValue(new Error('Loading chunk 7 failed.'));
  await ingestFiles(
    fakeWorkbench({ project: async () => ({ root: '/shop', path: '' }) }).workbench,
    ['a.csv']
  );
  expect(askHow).toHaveBeenCalledTimes(1);
  expect(failed).toHaveBeenCalledWith('Loading chunk 7 failed.', expect.anything());
});

it('tells an ingest that was cancelled as cancelled, not as an error', async () => {
  jest.mocked(askHow).mockResolvedValueOnce(emptyForm('shop.orders')).mockResolvedValue(null);
  const job = { id: 'j1', state: 'running', reason: '', progress_text: '' };
  const told = jest.spyOn(Notification, 'update');
  const cancel = jest.fn(async () => Object.assign(job, { state: 'cancelled' }));
  const { workbench } = fakeWorkbench({
    project: async () => ({ root: '/shop', path: '' }),
    catalog: { ingest: async () => ({ ...job }) },
    jobs: { cancel, show: async () => ({ ...job }) }
  });
  const end = ingestFiles(workbench, ['a.csv']);
  await waitFor(() => expect(told).toHaveBeenCalled());
  const [stop] = told.mock.lastCall?.[0].actions ?? [];
  const press = new MouseEvent('click', { cancelable: true });
  stop?.callback(press);
  expect(press.defaultPrevented).toBe(true); // the notification stays, to tell the end
  await end;
  expect(cancel).toHaveBeenCalledWith('j1');
  expect(told).toHaveBeenLastCalledWith(
    expect.objectContaining({
      type: 'info',
      message: 'Reading into shop.orders is cancelled: the dataset is as before.',
      actions: [expect.objectContaining({ label: 'Change Options…' })]
    })
  );
  expect(workbench.open).not.toHaveBeenCalled();
});
