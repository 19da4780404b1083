import { act, screen } from '@testing-library/react';
import React from 'react';

import type { IJob } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { JobLog } from '../log';

const job = { id: '7f3a', ref: 'job:7f3a', name: 'train', state: 'running' } as IJob;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number): Promise<void> =>
  act(async () => {
    await jest.advanceTimersByTimeAsync(milliseconds);
  });

describe('the log of a running job', () => {
  it('is asked for once a second while its last letter is half written, and shows what is there', async () => {
    const asked: number[] = [];
    const log = async (_: string, { offset }: { offset: number }): Promise<unknown> => {
      asked.push(offset);
      await new Promise(resolve => setTimeout(resolve, 3));
      return { text: offset ? '' : 'step 1 ', offset, next: 7, size: 8, ended: false };
    };
    show(fakeWorkbench({ jobs: { log } }), <JobLog job={job} follow onFollow={() => undefined} />);
    await after(5_000);
    expect(asked.length).toBeLessThan(8);
    expect(screen.getByRole('log').textContent).toBe('step 1 ');
  });

  it('shows each piece as it comes', async () => {
    const log = async (_: string, { offset }: { offset: number }): Promise<unknown> => {
      await new Promise(resolve => setTimeout(resolve, offset === 2 ? 60_000 : 3));
      return { text: offset === 0 ? 'a\n' : 'b\n', offset, next: offset + 2, size: 4, ended: false };
    };
    show(fakeWorkbench({ jobs: { log } }), <JobLog job={job} follow onFollow={() => undefined} />);
    await after(10);
    expect(screen.getByRole('log').textContent).toBe('a\n');
    await after(60_000);
    expect(screen.getByRole('log').textContent).toBe('a\nb\n');
  });
});
