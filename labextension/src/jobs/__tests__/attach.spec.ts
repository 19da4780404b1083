import { InputDialog, Notification } from '@jupyterlab/apputils';

import { ApiError } from '../../api/errors';
import { fakeWorkbench, type IFake } from '../../components/__tests__/workbench';
import { attach } from '../attach';

const JOBS = [
  {
    id: '7f3a',
    ref: 'job:7f3a',
    name: 'train',
    state: 'running',
    attempt: 1,
    array: null,
    backend: 'slurm'
  },
  {
    id: '9c02',
    ref: 'job:9c02',
    name: 'sweep',
    state: 'running',
    attempt: 1,
    array: { size: 3 },
    backend: 'local'
  }
];

function lab(answer: (id: string) => Promise<object>): {
  fake: IFake;
  opened: unknown[];
  asked: string[];
} {
  const opened: unknown[] = [];
  const asked: string[] = [];
  const jobs = {
    list: async () => ({ items: JOBS, shown: 2, total: 2 }),
    attach: (id: string) => {
      asked.push(id);
      return answer(id);
    }
  };
  const fake = fakeWorkbench({ jobs });
  fake.workbench.commands.addCommand('terminal:open', {
    describedBy: { args: null },
    execute: args => void opened.push(args)
  });
  return { fake, opened, asked };
}

describe('attaching to a job', () => {
  it('opens the terminal that the server has made, and tells how it differs', async () => {
    const notified = jest.spyOn(Notification, 'info');
    const { fake, opened, asked } = lab(async () => ({
      name: '3',
      job: '7f3a',
      note: 'It has ended.'
    }));
    await attach(fake.workbench, 'job:7f3a');
    expect([asked, opened]).toEqual([['7f3a'], [{ name: '3' }]]);
    expect(notified.mock.calls[0]?.[0]).toContain('It has ended.');
  });

  it('asks for one of the jobs that run, but for no array', async () => {
    const items = jest.spyOn(InputDialog, 'getItem');
    items.mockResolvedValue({ value: '7f3a train', button: { accept: true } } as never);
    const { fake, asked } = lab(async () => ({ name: '3', job: '7f3a', note: '' }));
    await attach(fake.workbench, null);
    expect(items.mock.calls[0]?.[0].items).toEqual(['7f3a train']);
    expect(asked).toEqual(['7f3a']);
  });

  it('says what is in the way', async () => {
    const notified = jest.spyOn(Notification, 'error');
    const { fake, opened } = lab(() =>
      Promise.reject(new ApiError('conflict', 'It waits.', 'No place.', 'Wait.'))
    );
    await attach(fake.workbench, 'job:7f3a');
    expect(opened).toEqual([]);
    expect(notified.mock.calls[0]?.[0]).toBe('It waits.\nNo place.\nWait.');
    await attach(fakeWorkbench().workbench, 'job:7f3a');
    expect(notified.mock.calls[1]?.[0]).toContain('mlinfra jobs attach ID');
  });
});
