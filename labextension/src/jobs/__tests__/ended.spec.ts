import type { IClient } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { IJob, JobState } from '../../api/types';
import { ended, until } from '../ended';

const job = (state: JobState, reason = ''): IJob =>
  ({ id: '7f3a', name: 'deploy flights/2', state, reason }) as IJob;

const client = (...states: IJob[]): { client: IClient; asked: () => number } => {
  let asked = 0;
  const show = (): Promise<IJob> => Promise.resolve(states[asked++]!);
  return { client: { jobs: { show } } as unknown as IClient, asked: () => asked };
};

describe('the end of a job that a verb was made into', () => {
  it('is waited for', async () => {
    const { client: server, asked } = client(job('running'), job('running'), job('succeeded'));
    expect((await ended(server, job('queued'), { next: 1 })).state).toBe('succeeded');
    expect(asked()).toBe(3);
  });

  it('is waited for through answers that are lost, and through an hour out of sight', async () => {
    const seen = jest.spyOn(document, 'visibilityState', 'get');
    jest.useFakeTimers();
    let asked = 0;
    const show = (): Promise<IJob> => {
      asked += 1;
      return asked < 4
        ? Promise.reject(new ApiError('unreachable', 'gone'))
        : Promise.resolve(job('succeeded'));
    };
    const end = ended({ jobs: { show } } as unknown as IClient, job('running'));
    seen.mockReturnValue('hidden');
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toBe(0);
    seen.mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    await jest.advanceTimersByTimeAsync(60_000);
    expect((await end).state).toBe('succeeded');
    jest.useRealTimers();
    seen.mockRestore();
  });

  it('is not asked for any more once its page is closed', async () => {
    jest.useFakeTimers();
    const closed = new AbortController();
    const { client: server, asked } = client(...Array.from({ length: 100 }, () => job('running')));
    const end = ended(server, job('running'), { signal: closed.signal });
    await jest.advanceTimersByTimeAsync(5_000);
    const before = asked();
    closed.abort();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(before).toBeGreaterThan(1);
    expect(asked()).toBe(before);
    expect((await end).state).toBe('running');
    jest.useRealTimers();
  });

  it('is an error when the job is not known any more', async () => {
    const show = (): Promise<IJob> => Promise.reject(new ApiError('not_found', 'No job 7f3a.'));
    await expect(
      ended({ jobs: { show } } as unknown as IClient, job('running'), { next: 1 })
    ).rejects.toMatchObject({
      code: 'not_found'
    });
  });

  it('is an error that says why, when the verb failed', async () => {
    const { client: server } = client(job('failed', 'There is no version 9.'));
    await expect(ended(server, job('running'), { next: 1 })).rejects.toMatchObject({
      code: 'failed',
      what: 'deploy flights/2: failed.',
      why: 'There is no version 9.'
    });
  });
});

it('anything that is under way is waited for in the same way', async () => {
  jest.useFakeTimers();
  const answers = [1, null, 2, 3];
  const show = async (): Promise<number> => {
    const answer = answers.shift();
    if (answer === null) {
      throw new ApiError('unreachable', 'gone');
    }
    return answer ?? Number.NaN;
  };
  const end = until(0, show, count => count < 3);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([await end, answers]).toEqual([3, []]);
  jest.useRealTimers();
});
