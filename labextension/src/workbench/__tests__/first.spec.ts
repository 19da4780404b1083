import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import * as confirming from '../../components/confirm';
import type { IWorkbench } from '../../tokens';
import { openFirstSteps } from '../first';

const commands = { execute: jest.fn(async () => undefined) };

function bench(project: () => Promise<unknown>): { workbench: IWorkbench; init: jest.Mock } {
  const init = jest.fn(async () => ({}));
  const fake = fakeWorkbench({ project, init, firstSteps: async () => ({ path: 'shop/first-steps.ipynb' }) });
  return { workbench: fake.workbench, init };
}

beforeEach(() => commands.execute.mockClear());
afterEach(() => jest.restoreAllMocks());

it('opens the notebook of the project', async () => {
  const { workbench, init } = bench(async () => ({ root: '/shop' }));
  await openFirstSteps(workbench, commands as never);
  expect(commands.execute).toHaveBeenCalledWith('docmanager:open', { path: 'shop/first-steps.ipynb' });
  expect(init).not.toHaveBeenCalled();
});

it.each([
  [true, 1],
  [false, 0]
])('in a folder that is no project it asks first: %s', async (sure, times) => {
  const { workbench, init } = bench(() => Promise.reject(new ApiError('not_found', 'In no project.')));
  jest.spyOn(confirming, 'confirm').mockResolvedValue(sure);
  await openFirstSteps(workbench, commands as never);
  expect(init).toHaveBeenCalledTimes(times);
  expect(commands.execute).toHaveBeenCalledTimes(times);
});

it('a server that cannot answer is told, and nothing is made', async () => {
  const { workbench, init } = bench(() => Promise.reject(new ApiError('unavailable', 'The disk is full.')));
  const failed = jest.spyOn(confirming, 'failed').mockReturnValue(undefined);
  await openFirstSteps(workbench, commands as never);
  expect(failed).toHaveBeenCalled();
  expect(init).not.toHaveBeenCalled();
});
