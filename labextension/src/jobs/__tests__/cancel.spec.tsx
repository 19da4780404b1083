import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IJob } from '../../api/types';
import { confirm } from '../../components/confirm';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import LiveCard from '../../mime/live';
import { JobButtons } from '../actions';

jest.mock('../../components/confirm', () => ({
  ...jest.requireActual<object>('../../components/confirm'),
  confirm: jest.fn(async () => false)
}));

const JOB = {
  id: '7f3a',
  ref: 'job:7f3a',
  name: 'train',
  state: 'running',
  reason: '',
  attempt: 1,
  labels: {},
  array: null,
  notebook: 'train.ipynb',
  held_by: '',
  elapsed_seconds: 30,
  checkpoints: '/p/checkpoints',
  progress_text: '',
  run: null
} as unknown as IJob;

const notified = jest.spyOn(Notification, 'success').mockReturnValue('');

/** Each place that has a button Cancel. */
const PLACES: [string, (job: IJob) => React.ReactElement][] = [
  ['the page of a job', job => <JobButtons job={job} />],
  [
    'a card in an output',
    job => <LiveCard payload={{ ref: job.ref, kind: 'job', title: job.name, record: job }} />
  ]
];

/** A job that is under way until it was looked at once after its cancel. */
function jobs(job: IJob): { calls: string[]; fake: IFake } {
  const calls: string[] = [];
  const answer = (verb: string, state: IJob['state']) => async () => {
    calls.push(verb);
    return { ...job, state };
  };
  const client = {
    show: async () => (calls.length ? { ...job, state: 'cancelled' } : job),
    log: async () => ({ text: '' }),
    cancel: answer('cancel', job.state === 'queued' ? 'cancelled' : job.state),
    restore: answer('restore', 'queued')
  };
  return { calls, fake: fakeWorkbench({ jobs: client }) };
}

const press = async (): Promise<void> => {
  const button = await screen.findByRole('button', { name: /^Cancel/ });
  await act(async () => void fireEvent.click(button));
  await act(async () => new Promise(resolve => setTimeout(resolve, 50))); // what it does is fetched
};

beforeEach(() => {
  notified.mockClear();
  jest.mocked(confirm).mockClear();
});

describe.each(PLACES)('cancelling from %s', (_where, place) => {
  it.each([
    [
      'a job that waits',
      { ...JOB, state: 'queued' as const, elapsed_seconds: null },
      'train is cancelled.'
    ],
    ['a short job', JOB, 'train is cancelled. It had run for 30 s; an undo starts it again.']
  ])('%s can be undone for ten seconds', async (_what, job, message) => {
    const { calls, fake } = jobs(job);
    show(fake, place(job));
    await press();
    expect(calls).toEqual(['cancel']);
    expect(confirm).not.toHaveBeenCalled();
    const [text, options] = notified.mock.calls[0] ?? [];
    expect([text, options?.autoClose]).toEqual([message, 10_000]);
    const [undo] = options?.actions ?? [];
    expect(undo?.label).toBe('Undo');
    act(() => undo?.callback(new MouseEvent('click')));
    await waitFor(() => expect(calls).toEqual(['cancel', 'restore']));
  });

  it.each([
    ['ran for long', { elapsed_seconds: 1_200 }, 'What it has not saved in /p/checkpoints is lost'],
    ['is a step', { labels: { pipeline: 'churn' } }, 'the run of churn is cancelled with it'],
    [
      'is an array with a cancelled element',
      { array: { size: 2, states: { cancelled: 1, running: 1 } } },
      '1 element was cancelled before.'
    ]
  ])('is asked about when it %s', async (_what, more, words) => {
    const job = { ...JOB, ...more } as IJob;
    const { calls, fake } = jobs(job);
    show(fake, place(job));
    await press();
    expect(calls).toEqual([]);
    expect(jest.mocked(confirm).mock.calls[0]?.[0].body).toContain(words);
    jest.mocked(confirm).mockResolvedValueOnce(true);
    await press();
    expect(calls).toEqual(['cancel']);
    expect(notified).not.toHaveBeenCalled();
  });
});

it('a job that was drawn as a short one is asked about once it has run for long', async () => {
  const { calls, fake } = jobs({ ...JOB, elapsed_seconds: 1_200 });
  const [, place] = PLACES[0]!;
  show(fake, place(JOB));
  await press();
  expect(calls).toEqual([]);
  expect(jest.mocked(confirm).mock.calls[0]?.[0].body).toContain('It has run for 20:00');
});

describe('a cancel that came too late', () => {
  const info = jest.spyOn(Notification, 'info').mockReturnValue('');
  beforeEach(() => info.mockClear());
  const [, place] = PLACES[0]!;

  it('is news and no success', async () => {
    const cancel = async (): Promise<object> => ({ ...JOB, state: 'succeeded' });
    show(fakeWorkbench({ jobs: { cancel, show: async () => JOB } }), place(JOB));
    await press();
    expect(info.mock.calls.map(([message]) => message)).toEqual(['train had ended before.']);
    expect(notified).not.toHaveBeenCalled();
  });

  it('has nothing to undo', async () => {
    const restore = jest.fn();
    const ending = {
      cancel: async () => JOB,
      show: async () => ({ ...JOB, state: 'succeeded' }),
      restore
    };
    show(fakeWorkbench({ jobs: ending }), place(JOB));
    await press();
    const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
    act(() => undo?.callback(new MouseEvent('click')));
    await waitFor(() => expect(info).toHaveBeenCalledTimes(1));
    expect(info.mock.calls[0]?.[0]).toBe('train had succeeded before it was cancelled.');
    expect([notified.mock.calls.length, restore.mock.calls.length]).toEqual([1, 0]);
  });
});
