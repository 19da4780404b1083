import { screen, waitFor } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IEstimate } from '../../api/types';
import { fakeWorkbench, framed, show } from '../../components/__tests__/workbench';
import { Forecast, useForecast } from '../forecast';

const number = (value: number): object => ({ value, basis: 'est', n: null, error: null });

const SPEC = { notebook: 'a.ipynb' };

function Told({ jobs = 1, gpus }: { jobs?: number; gpus?: number }): React.ReactElement {
  return <Forecast {...useForecast(gpus === undefined ? SPEC : { ...SPEC, gpus })} jobs={jobs} />;
}

describe('the live line of the form', () => {
  const shownText = async (estimate: Partial<IEstimate>, jobs = 1): Promise<string> => {
    const answer = {
      starts_at: null,
      seconds: null,
      like: 0,
      cost: null,
      refused: '',
      ...estimate
    };
    const fake = fakeWorkbench({ jobs: { estimate: async () => answer } });
    show(fake, <Told jobs={jobs} />);
    const line = screen.getByRole('status');
    await waitFor(() => expect(line.textContent).not.toBe(''), { timeout: 3_000 });
    return line.textContent;
  };

  it('says when it starts, how long it runs and what all its jobs cost', async () => {
    const starts_at = new Date().toISOString();
    const text = await shownText(
      { starts_at, seconds: number(1080) as never, like: 7, cost: number(0.4) as never },
      6
    );
    expect(text).toBe('starts now · runs ~18:00est. (7 like it) · costs 2.4est.');
  });

  it('says what cannot be told', async () => {
    expect(await shownText({})).toBe('start time not known · no earlier run like it');
  });

  it.each([
    [new ApiError('unreachable', 'gone'), 'its start time is not known now'],
    [
      new ApiError('unavailable', 'The workbench is busy.', '', '', 503),
      'its start time is not known now'
    ],
    [
      new ApiError('bad_request', 'There is no such queue.', '', '', 400),
      'It can never start. There is no such queue.'
    ]
  ])('says never only where the server has said so: %s', async (error, words) => {
    const estimate = (): Promise<never> => Promise.reject(error);
    show(fakeWorkbench({ jobs: { estimate } }), <Told />);
    await waitFor(() => expect(screen.getByRole('status').textContent.trim()).toBe(words), {
      timeout: 3_000
    });
  });

  it('keeps what was last said when contact is lost', async () => {
    const estimate = jest
      .fn()
      .mockResolvedValueOnce({ starts_at: null, seconds: null, like: 0, cost: null, refused: '' })
      .mockRejectedValue(new ApiError('unreachable', 'gone'));
    const fake = fakeWorkbench({ jobs: { estimate } });
    show(fake, <Told />);
    await waitFor(() => expect(screen.getByRole('status').textContent).toContain('no earlier run'));
    fake.emit({ topic: 'job', ref: 'job:1', data: {} });
    await waitFor(() => expect(estimate).toHaveBeenCalledTimes(2));
    expect(screen.getByRole('status').textContent).toBe(
      'start time not known · no earlier run like it'
    );
  });

  it('says nothing of new needs with the answer to others', async () => {
    const never = {
      starts_at: null,
      seconds: null,
      like: 0,
      cost: null,
      refused: 'It asks for 9 GPUs.'
    };
    const answers = [Promise.resolve(never), new Promise(() => undefined)];
    const estimate = jest.fn(() => answers.shift());
    const fake = fakeWorkbench({ jobs: { estimate } });
    const line = (): string => screen.getByRole('status').textContent;
    const { rerender } = show(fake, <Told gpus={9} />);
    await waitFor(() => expect(line()).toContain('It can never start.'), { timeout: 3_000 });
    rerender(framed(fake, <Told gpus={1} />));
    await waitFor(() => expect(estimate).toHaveBeenCalledTimes(2), { timeout: 3_000 });
    expect(line()).not.toContain('It can never start.');
  });

  it('says why it can never start', async () => {
    expect(
      await shownText({ refused: 'The job asks for 9 GPUs. The local backend has 4.' })
    ).toContain('It can never start. The job asks for 9 GPUs. The local backend has 4.');
  });
});
