import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { failed } from '../../components/confirm';
import { ingestFiles } from '../ingest';
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
