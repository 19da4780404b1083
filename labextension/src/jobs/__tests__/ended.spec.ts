import type { IClient } from '../../api/client';
import type { IJob, JobState } from '../../api/types';
import { ended } from '../ended';

const job = (state: JobState, reason = ''): IJob => ({ id: '7f3a', name: 'deploy flights/2', state, reason }) as IJob;

const client = (...states: IJob[]): { client: IClient; asked: () => number } => {
  let asked = 0;
  const show = (): Promise<IJob> => Promise.resolve(states[asked++]!);
  return { client: { jobs: { show } } as unknown as IClient, asked: () => asked };
};

describe('the end of a job that a verb was made into', () => {
  it('is waited for', async () => {
    const { client: server, asked } = client(job('running'), job('running'), job('succeeded'));
    expect((await ended(server, job('queued'), 1)).state).toBe('succeeded');
    expect(asked()).toBe(3);
  });

  it('is an error that says why, when the verb failed', async () => {
    const { client: server } = client(job('failed', 'There is no version 9.'));
    await expect(ended(server, job('running'), 1)).rejects.toMatchObject({
      code: 'failed',
      what: 'deploy flights/2: failed.',
      why: 'There is no version 9.'
    });
  });
});
