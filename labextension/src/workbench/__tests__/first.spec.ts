import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { confirm, done, failed, inform } from '../../components/confirm';
import type { IWorkbench } from '../../tokens';
import { openFirstSteps } from '../first';

jest.mock('../../components/confirm', () => ({
  confirm: jest.fn(),
  done: jest.fn(),
  failed: jest.fn(),
  inform: jest.fn()
}));

const commands = { execute: jest.fn(async () => undefined) };

function bench(project: () => Promise<unknown>): { workbench: IWorkbench; init: jest.Mock } {
  const init = jest.fn(async () => ({}));
  const fake = fakeWorkbench({
    project,
    init,
    firstSteps: async () => ({ path: 'shop/first-steps.ipynb' })
  });
  return { workbench: fake.workbench, init };
}

beforeEach(() => jest.clearAllMocks());

it('opens the notebook of the project', async () => {
  const { workbench, init } = bench(async () => ({ root: '/shop' }));
  await openFirstSteps(workbench, commands as never);
  expect(commands.execute).toHaveBeenCalledWith('docmanager:open', {
    path: 'shop/first-steps.ipynb'
  });
  expect(init).not.toHaveBeenCalled();
});

it.each([
  [true, 1],
  [false, 0]
])('in a folder that is no project it asks first: %s', async (sure, times) => {
  const { workbench, init } = bench(() =>
    Promise.reject(new ApiError('not_found', 'In no project.'))
  );
  jest.mocked(confirm).mockResolvedValue(sure);
  await openFirstSteps(workbench, commands as never);
  expect(init).toHaveBeenCalledTimes(times);
  expect(commands.execute).toHaveBeenCalledTimes(times);
});

it('says where the notebook is when this server cannot open it, as news and as no success', async () => {
  const { workbench } = bench(async () => ({ root: '/shop' }));
  Object.assign(workbench.client, { firstSteps: async () => ({ path: null }) });
  await openFirstSteps(workbench, commands as never);
  expect(inform).toHaveBeenCalledWith(
    expect.stringContaining('first-steps.ipynb is there'),
    expect.anything()
  );
  expect(done).not.toHaveBeenCalled();
  expect(commands.execute).not.toHaveBeenCalled();
});

it('a server that cannot answer is told, and nothing is made', async () => {
  const { workbench, init } = bench(() =>
    Promise.reject(new ApiError('unavailable', 'The disk is full.'))
  );
  await openFirstSteps(workbench, commands as never);
  expect(failed).toHaveBeenCalled();
  expect(init).not.toHaveBeenCalled();
});
