import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IJob } from '../../api/types';
import { type IFake, fakeWorkbench, show } from '../../components/__tests__/workbench';
import JobsPanel, { jobRow } from '../panel';

const never = (): Promise<never> => new Promise(() => undefined);

const pass = async (milliseconds: number): Promise<void> => {
  for (const step of [0, 0, milliseconds]) {
    await act(async () => {
      // each effect of the one before may begin something
      await jest.advanceTimersByTimeAsync(step);
    });
  }
};

const MOMENT = '2026-01-01T00:00:00Z';

/** 240 jobs; each answer takes 50 ms. */
function shown(): { fake: IFake; list: jest.Mock } {
  const list = jest.fn(async ({ limit }: { limit: number }) => {
    await new Promise(resolve => setTimeout(resolve, 50));
    const items = Array.from({ length: limit }, (_, index) => ({
      id: `j${index}`,
      ref: `job:j${index}`,
      name: 'train',
      state: 'succeeded',
      reason: '',
      labels: {},
      ended_at: MOMENT,
      submitted_at: MOMENT
    }));
    return { items, shown: limit, total: 240 };
  });
  return {
    fake: fakeWorkbench({ jobs: { compute: never, list }, pipelines: { list: never } }),
    list
  };
}

describe('the list of jobs', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('leaves pipelines and schedules in sight: its rows have a height of their own', async () => {
    const sheet = document.createElement('style');
    sheet.textContent = readFileSync(join(__dirname, '../../../style/jobs.css'), 'utf8');
    document.head.append(sheet);
    const { fake } = shown();
    show(fake, <JobsPanel />);
    await pass(200);
    const box = screen.getAllByRole('treeitem')[0]!.closest<HTMLElement>('.jp-mlinfra-jobs-list')!;
    const { maxHeight, overflowY } = getComputedStyle(box);
    expect([maxHeight, overflowY]).toEqual(['45vh', 'auto']);
    expect(box.contains(screen.getByRole('button', { name: 'Pipelines' }))).toBe(false);
  });

  it('keeps its rows and the focus while the next ones are on their way', async () => {
    const { fake } = shown();
    show(fake, <JobsPanel />);
    await pass(200);
    const next = screen.getByText('next 50');
    next.focus();
    fireEvent.click(next);
    await pass(10);
    expect(screen.getAllByRole('treeitem')).toHaveLength(50);
    await pass(200);
    expect(screen.getAllByRole('treeitem')).toHaveLength(100);
    expect(document.activeElement).toBe(next);
  });

  it('is not asked for while its section is closed, and is when it is opened', async () => {
    const { fake, list } = shown();
    fake.kept.set('section:jobs:jobs', false);
    show(fake, <JobsPanel />);
    await pass(200);
    fake.emit({ topic: 'job', ref: 'job:1', data: {} });
    await pass(60_000);
    expect(list).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Jobs' }));
    await pass(200);
    expect(list).toHaveBeenCalledTimes(1);
    expect(screen.getAllByRole('treeitem')).toHaveLength(50);
  });
});

describe('the empty Jobs panel', () => {
  it('runs the open notebook; without one its button is disabled and says what it waits for', async () => {
    const nothing = async (): Promise<unknown> => ({ items: [], shown: 0, total: 0, cursor: null });
    const fake = fakeWorkbench({
      jobs: { list: nothing, compute: () => new Promise(() => undefined) },
      pipelines: { list: nothing }
    });
    const { commands } = fake.workbench;
    let open = false;
    const execute = jest.fn();
    commands.addCommand('mlinfra:jobs-submit-active', {
      caption: () => (open ? 'Run it' : 'Open a notebook first'),
      describedBy: {},
      isEnabled: () => open,
      execute
    });
    show(fake, <JobsPanel />);
    const button = await screen.findByRole<HTMLButtonElement>('button', {
      name: 'Run This Notebook as a Job'
    });
    expect([button.disabled, button.title]).toEqual([true, 'Open a notebook first']);
    open = true;
    act(() => commands.notifyCommandChanged('mlinfra:jobs-submit-active'));
    expect([button.disabled, button.title]).toEqual([false, 'Run it']);
    act(() => button.click());
    expect(execute).toHaveBeenCalledTimes(1);
  });
});

it('a step of a pipeline stands with its pipeline: those of two pipelines are told apart', () => {
  const { workbench } = fakeWorkbench();
  const named = (name: string, labels: object): React.ReactNode =>
    jobRow(
      { id: 'a', ref: 'job:a', name, labels, state: 'succeeded', array: null } as IJob,
      undefined,
      workbench
    ).name;
  expect(named('flights/train', { pipeline: 'flights', step: 'train' })).toBe('flights/train');
  expect(named('folder/train.ipynb', {})).toBe('train.ipynb');
});
