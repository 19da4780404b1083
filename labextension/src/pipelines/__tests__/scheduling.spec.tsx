import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IDueTimes } from '../../api/types';
import { fakeWorkbench, framed, show } from '../../components/__tests__/workbench';
import { type PrefilledJob, prefillJob } from '../prefill';
import SchedulingPage from '../scheduling';

const list = async (): Promise<object> => ({
  items: [{ name: 'churn-daily' }, { name: 'churn-daily-2' }],
  total: 2
});

it('a cron text that has no times says why beside it, and cannot be scheduled', async () => {
  const preview = async (cron: string): Promise<IDueTimes> =>
    cron === '0 99 * * *'
      ? { valid: false, reason: "'0 99 * * *' is not a cron text. Bad hour.", items: [] }
      : { valid: true, reason: '', items: [{ at: '2026-11-25T06:00:00+01:00', note: '' }] };
  const client = {
    pipelines: { list: async () => ({ items: [], shown: 0, total: 0, cursor: null }) },
    schedules: { list, preview, supervisor: async () => ({ pid: 1 }) }
  };
  show(fakeWorkbench(client), <SchedulingPage reference="scheduling:x" name="pipeline:churn" />);
  const submit = (): HTMLButtonElement => screen.getByRole('button', { name: 'Schedule' });
  await waitFor(() => expect(submit().disabled).toBe(false));
  const cron = screen.getByLabelText<HTMLInputElement>('cron');
  fireEvent.change(cron, { target: { value: '0 99 * * *' } });
  expect(await screen.findByText(/Bad hour/, {}, { timeout: 3_000 })).toBeTruthy();
  expect(cron.getAttribute('aria-invalid')).toBe('true');
  expect(submit().disabled).toBe(true);
  expect(screen.queryByRole('alert')).toBeNull();
  const insert = (): HTMLButtonElement => screen.getByRole('button', { name: 'Insert' });
  fireEvent.change(cron, { target: { value: '0 7' } });
  expect(insert().disabled).toBe(true);
  fireEvent.change(cron, { target: { value: '0 7 * * *' } });
  await waitFor(() => expect(insert().disabled).toBe(false), { timeout: 3_000 });
  await waitFor(() => expect(submit().disabled).toBe(false), { timeout: 3_000 });
});

const supervisor = async (): Promise<object> => ({ pid: 1 });
const pipelines = { list: async () => ({ items: [], shown: 0, total: 0, cursor: null }) };
const preview = async (): Promise<IDueTimes> => ({ valid: true, reason: '', items: [] });
const press = async (name: string): Promise<void> => {
  const button = (): HTMLButtonElement => screen.getByRole('button', { name });
  await waitFor(() => expect(button().disabled).toBe(false));
  fireEvent.click(button());
};

it('a form that was left open shows the schedule as it is now, and sends only what was changed in it', async () => {
  let stored = {
    name: 's',
    ref: 'schedule:s',
    cron: '0 6 * * *',
    tz: 'UTC',
    pipeline: null,
    job: { notebook: 'a.ipynb', parameters: { day: 1 } },
    catchup: 'latest',
    grace_seconds: 3600,
    overlap: 'skip'
  };
  const update = jest.fn(
    async (_name: string, facts: object) => (stored = { ...stored, ...facts })
  );
  const fake = fakeWorkbench({
    pipelines,
    schedules: { show: async () => stored, preview, supervisor, update }
  });
  const page = (again: number): React.ReactElement => (
    <SchedulingPage reference="scheduling:schedule:s" name="schedule:s" again={again} />
  );
  const { rerender } = show(fake, page(0));
  const cron = (): string => screen.getByLabelText<HTMLInputElement>('cron').value;
  await waitFor(() => expect(cron()).toBe('0 6 * * *'));
  stored = { ...stored, cron: '30 9 * * *', job: { notebook: 'a.ipynb', parameters: { day: 2 } } };
  rerender(framed(fake, page(1)));
  await waitFor(() => expect(cron()).toBe('30 9 * * *'));
  stored = { ...stored, cron: '45 9 * * *' };
  act(() => void (fake.visibility.shown = false));
  act(() => void (fake.visibility.shown = true));
  await waitFor(() => expect(cron()).toBe('45 9 * * *'));
  fireEvent.change(screen.getByLabelText('in'), { target: { value: 'Europe/Paris' } });
  await press('Change Schedule');
  await waitFor(() => expect(fake.open).toHaveBeenCalledWith('schedule:s'));
  expect(update).toHaveBeenCalledWith('s', { tz: 'Europe/Paris' });
});

describe('what the submit form handed over', () => {
  const drawn = (kept?: PrefilledJob): { create: jest.Mock } => {
    const create = jest.fn(async () => ({ name: 'train-daily', ref: 'schedule:train-daily' }));
    const fake = fakeWorkbench({ pipelines, schedules: { list, preview, supervisor, create } });
    if (kept) {
      prefillJob(fake.workbench.memory, 'file:train.ipynb', kept);
    }
    show(fake, <SchedulingPage reference="scheduling:file:train.ipynb" name="file:train.ipynb" />);
    return { create };
  };

  it('is kept by JupyterLab, shown, and sent', async () => {
    const job = { gpus: 2, memory_gib: null, parameters: { day: '2026-11-25' } };
    const { create } = drawn(job);
    expect(await screen.findByText('gpus=2, day=2026-11-25')).toBeTruthy();
    await press('Schedule');
    await waitFor(() => expect(create).toHaveBeenCalled());
    expect(create.mock.calls[0]).toMatchObject([
      'train-daily',
      { job: { ...job, notebook: 'train.ipynb' } }
    ]);
  });

  it('is asked for again when it was lost: no schedule is made without it', async () => {
    drawn();
    expect(await screen.findByText(/could not be found/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Schedule' })).toBeNull();
  });
});

describe('the form of a new schedule', () => {
  const detail = async (): Promise<object> => ({
    parameters: { depth: 4, day: '2026-01-01' },
    date: 'day'
  });
  const drawn = (): jest.Mock => {
    const create = jest.fn(async () => ({ name: 'churn-daily-3', ref: 'schedule:churn-daily-3' }));
    const schedules = { list, preview, supervisor, create };
    const fake = fakeWorkbench({ pipelines: { ...pipelines, show: detail }, schedules });
    show(fake, <SchedulingPage reference="scheduling:pipeline:churn" name="pipeline:churn" />);
    return create;
  };

  it('proposes a name that is free, and has fields for the parameters but for the date, which is that of the due time', async () => {
    const create = drawn();
    const depth = await screen.findByLabelText<HTMLInputElement>(/^depth/);
    expect(screen.getByLabelText<HTMLInputElement>('name').value).toBe('churn-daily-3');
    expect([depth.value, screen.queryByLabelText(/^day/)]).toEqual(['4', null]);
    fireEvent.change(depth, { target: { value: 'deep' } });
    expect(screen.getByRole('button', { name: 'Schedule' }).hasAttribute('disabled')).toBe(true);
    fireEvent.change(depth, { target: { value: '6' } });
    await press('Schedule');
    await waitFor(() => expect(create).toHaveBeenCalled());
    expect(create.mock.calls[0]).toMatchObject([
      'churn-daily-3',
      { pipeline: 'churn', parameters: { depth: 6 } }
    ]);
  });

  it('shows the code of what it would send', async () => {
    drawn();
    fireEvent.change(await screen.findByLabelText(/^depth/), { target: { value: '6' } });
    const code = await screen.findByRole('group', { name: 'Code' });
    await waitFor(() => expect(code.textContent).toContain('"parameters":{"depth":6}'));
    expect(code.textContent).toContain('"call":"schedules-form","values":{"name":"churn-daily-3"');
  });
});
