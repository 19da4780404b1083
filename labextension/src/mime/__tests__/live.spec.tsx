import { act, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IJob } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import LiveCard from '../live';

const job = {
  id: '7f3a',
  ref: 'job:7f3a',
  name: 'train',
  state: 'running',
  reason: '',
  elapsed_seconds: 724
} as IJob;
const card = <LiveCard payload={{ ref: 'job:7f3a', kind: 'job', title: 'train', record: job }} />;
const lost = (): Promise<never> => Promise.reject(new ApiError('unreachable', 'gone'));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number): Promise<void> =>
  act(async () => {
    await jest.advanceTimersByTimeAsync(milliseconds);
  });

describe('the card of a job that ran when the cell did', () => {
  it('claims nothing of now when nobody knows the job any more, and asks no more', async () => {
    const ask = jest.fn(() => Promise.reject(new ApiError('not_found', 'There is no job 7f3a.')));
    const log = jest.fn(lost);
    const { container } = show(fakeWorkbench({ jobs: { show: ask, log } }), card);
    await after(100); // and is drawn
    await after(600_000);
    expect(log).toHaveBeenCalledTimes(1);
    expect(container.textContent).toContain(
      'There is no job 7f3a. This is how it was when the cell ran.'
    );
    expect(container.querySelector('[data-state]')).toBeNull();
    expect(container.textContent).not.toContain('running for');
    expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull();
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('says since when the server does not answer', async () => {
    let answers = true;
    const ask = (): Promise<IJob> => (answers ? Promise.resolve(job) : lost());
    const { container } = show(fakeWorkbench({ jobs: { show: ask, log: lost } }), card);
    await after(100);
    expect(container.textContent).not.toContain('last seen');
    answers = false;
    await after(125_000);
    expect(container.textContent).toMatch(/last seen .*\d.* ago/);
    expect(container.querySelector('[data-state="running"]')).not.toBeNull();
    answers = true;
    await after(120_000);
    expect(container.textContent).not.toContain('last seen');
  });
});
