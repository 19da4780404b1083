import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IPipelineDetail } from '../../api/types';
import { confirm } from '../../components/confirm';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { PipelineButtons, PipelineForms, usePipelineActions } from '../actions';

jest.mock('../../components/confirm', () => ({
  ...jest.requireActual<object>('../../components/confirm'),
  confirm: jest.fn(async () => false)
}));

const DETAIL = {
  pipeline: { name: 'churn' },
  parameters: { depth: 6 },
  graph: [{ name: 'train' }],
  date: '{{ date }}',
  runs: []
} as unknown as IPipelineDetail;

interface IHeadProps {
  before: () => Promise<boolean>;
  detail?: IPipelineDetail;
}

function Head({ before, detail = DETAIL }: IHeadProps): React.ReactElement {
  const actions = usePipelineActions('churn', detail, async () => undefined, before);
  return (
    <>
      <PipelineButtons detail={detail} actions={actions} />
      <PipelineForms detail={detail} actions={actions} />
    </>
  );
}

const press = async (name: string): Promise<void> => {
  const button = (): HTMLButtonElement => screen.getByRole('button', { name });
  await waitFor(() => expect(button().disabled).toBe(false));
  await act(async () => void fireEvent.click(button()));
};

it('the forms of a run and of a backfill open on what has been saved', async () => {
  const calls: string[] = [];
  let saves = true;
  const before = async (): Promise<boolean> => {
    calls.push('save');
    return saves;
  };
  const backfill = async (_name: string, { dry_run }: { dry_run: boolean }): Promise<object> => {
    calls.push(dry_run ? 'count' : 'begin');
    return { dates: ['2026-11-25'], runs: 1, steps: 1, cached: 0, parallel: 1, note: '' };
  };
  show(fakeWorkbench({ pipelines: { backfill } }), <Head before={before} />);
  await press('Run…');
  expect(screen.getByRole('form', { name: 'Run with parameters' })).toBeTruthy();
  expect(calls).toEqual(['save']);
  await press('Backfill…');
  await press('Count');
  expect(screen.getByRole('status').textContent).toBe(
    '1 date · 0 done · at most 1 step runs · at least 0 from the cache'
  );
  await press('Start 1 Run');
  expect(calls).toEqual(['save', 'save', 'save', 'count', 'save', 'begin']);
  expect(screen.queryByRole('form')).toBeNull();
  saves = false;
  await press('Run…');
  expect(screen.queryByRole('form')).toBeNull();
});

it('a run of a pipeline that uses a date asks for it, and begins with the day that it is in UTC', async () => {
  jest.useFakeTimers({
    now: Date.parse('2026-11-25T23:30:00Z'),
    doNotFake: ['setTimeout', 'setInterval', 'queueMicrotask']
  });
  const run = jest.fn(async () => undefined);
  const detail = { ...DETAIL, parameters: {}, date: 'day' };
  show(fakeWorkbench({ pipelines: { run } }), <Head before={async () => true} detail={detail} />);
  await press('Run…');
  const day = screen.getByLabelText<HTMLInputElement>(/^day/);
  expect([day.type, day.value]).toEqual(['date', '2026-11-25']);
  jest.useRealTimers();
  fireEvent.change(day, { target: { value: '2026-01-02' } });
  await press('Start Run');
  expect(run).toHaveBeenCalledWith('churn', { parameters: { day: '2026-01-02' }, force: false });
});

it('the form of a run stays, with what was typed, when the run does not begin', async () => {
  const error = jest.spyOn(Notification, 'error').mockReturnValue('');
  const run = jest.fn(async () => Promise.reject(new ApiError('conflict', 'It runs already.')));
  show(fakeWorkbench({ pipelines: { run } }), <Head before={async () => true} />);
  await press('Run…');
  fireEvent.change(screen.getByLabelText(/^depth/), { target: { value: '9' } });
  await press('Start Run');
  await waitFor(() => expect(error).toHaveBeenCalled());
  expect(screen.getByRole('form', { name: 'Run with parameters' })).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>(/^depth/).value).toBe('9');
});

it('a cancel from the palette means the newest run, not the one that was drawn', async () => {
  const cancel = jest.fn(async () => undefined);
  const newest = { ...running(60).runs[0], run: 'newest' };
  const runs = async (): Promise<object> => ({ items: [newest] });
  const fake = fakeWorkbench({ pipelines: { cancel, runs } });
  show(fake, <Head before={async () => true} detail={running(60)} />);
  await fake.workbench.commands.execute('mlinfra:pipelines-cancel-run', { ref: 'pipeline:churn' });
  expect(cancel).toHaveBeenCalledWith('newest');
});

it.each([
  ['train[depth=4]', ['Repair, 1 step']],
  ['gone', []]
])('a repair is offered while the file has the failed step: %s', (name, offered) => {
  const run = { run: 'r', state: 'failed', repairable: true, steps: [{ name, state: 'failed' }] };
  const detail = { ...DETAIL, runs: [run] } as unknown as IPipelineDetail;
  show(fakeWorkbench(), <Head before={async () => true} detail={detail} />);
  expect(
    screen.queryAllByRole('button', { name: /^Repair/ }).map(button => button.textContent)
  ).toEqual(offered);
});

const running = (seconds: number): IPipelineDetail => {
  const started_at = new Date(Date.now() - seconds * 1000).toISOString();
  const run = { run: 'r', state: 'running', started_at, ended_at: null, steps: [] };
  return { ...DETAIL, runs: [run] } as unknown as IPipelineDetail;
};

it('cancelling a long run is asked about', async () => {
  jest.mocked(confirm).mockClear();
  const cancel = jest.fn(async () => undefined);
  show(
    fakeWorkbench({ pipelines: { cancel } }),
    <Head before={async () => true} detail={running(1_200)} />
  );
  await press('Cancel');
  await waitFor(() => expect(confirm).toHaveBeenCalledTimes(1));
  expect(cancel).not.toHaveBeenCalled();
});

it('cancelling a short run can be undone: it goes on once its steps have ended', async () => {
  const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
  const calls: string[] = [];
  const states = ['running', 'lost', 'cancelled'];
  const pipelines = {
    cancel: async () => void calls.push('cancel'),
    showRun: async () => {
      const state = states.shift();
      if (state === 'lost') {
        throw new ApiError('unreachable', 'gone');
      }
      return { state };
    },
    repair: async () => void calls.push('repair')
  };
  show(fakeWorkbench({ pipelines }), <Head before={async () => true} detail={running(60)} />);
  await press('Cancel');
  await waitFor(() => expect(notified).toHaveBeenCalled());
  expect(calls).toEqual(['cancel']);
  const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
  act(() => undo?.callback(new MouseEvent('click')));
  await waitFor(() => expect(calls).toEqual(['cancel', 'repair']), { timeout: 3_000 });
  expect(states).toEqual([]);
});
