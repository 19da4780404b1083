import { fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IJob, IQueuedJob } from '../../api/types';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { endOf, Queue } from '../queue';

const MOMENT = '2026-01-01T12:00:00Z';

const job = (change: Partial<IJob>): IJob =>
  ({
    id: 'a1b2',
    ref: 'job:a1b2',
    name: 'train',
    state: 'queued',
    reason: 'Needs 2 GPUs, 1 is free.',
    held_by: '',
    user: 'ana',
    gpus: 2,
    gpu_type: null,
    priority: 50,
    part_of: null,
    array: null,
    progress: null,
    progress_text: '',
    started_at: null,
    elapsed_seconds: null,
    ...change
  }) as IJob;

function shown(
  waiting: readonly IJob[],
  running: readonly IJob[] = []
): { fake: IFake; asked: string[] } {
  const asked: string[] = [];
  const note =
    (verb: string) =>
    async (...words: unknown[]): Promise<unknown> => {
      asked.push([verb, ...words].join(' '));
      return waiting.find(({ id }) => id === words[0]) ?? {};
    };
  const fake = fakeWorkbench({
    jobs: {
      list: async () => ({
        items: running,
        shown: running.length,
        total: running.length,
        cursor: null
      }),
      queue: async () => ({
        items: waiting.map((item, index): IQueuedJob => ({
          position: index + 1,
          job: item,
          starts_at: MOMENT
        })),
        shown: waiting.length,
        total: waiting.length,
        cursor: null
      }),
      prioritize: note('priority'),
      hold: note('hold'),
      release: note('release')
    }
  });
  show(fake, <Queue />);
  return { fake, asked };
}

const row = async (name: string): Promise<HTMLElement> =>
  (await screen.findByText(name)).closest('tr')!;

it('a line has its places in the queue, and what it needs of CPUs as of GPUs', async () => {
  const element = { part_of: 'a000', cpus: 4 };
  shown([
    job({ id: 'e1', ...element }),
    job({ id: 'e2', ...element }),
    job({ id: 'c3', name: 'report', cpus: 8 })
  ]);
  const heads = (await screen.findAllByRole('columnheader')).map(({ textContent }) => textContent);
  const cells = async (name: string): Promise<(string | null)[]> =>
    [...(await row(name)).querySelectorAll('td')].map(({ textContent }) => textContent);
  const [array, report] = [await cells('train'), await cells('report')];
  expect([array[0], report[0]]).toEqual(['1–2', '3']);
  expect(report[heads.indexOf('CPUs')]).toBe('8');
});

describe('keys on a line of the queue', () => {
  it('move and hold what waits', async () => {
    const { asked } = shown([
      job({}),
      job({ id: 'c3d4', name: 'report', held_by: 'bob', priority: 95 })
    ]);
    const line = await row('train');
    for (const key of [{ key: 'ArrowUp', altKey: true }, { key: 'h' }]) {
      fireEvent.keyDown(line, key);
      await waitFor(() => expect(asked.length).toBeGreaterThan(0));
      await waitFor(() => expect(screen.getByRole('grid')).toBeTruthy());
    }
    const held = await row('report');
    await waitFor(() => expect(asked).toContain('hold a1b2'));
    fireEvent.keyDown(held, { key: 'h' });
    await waitFor(() => expect(asked).toContain('release c3d4'));
    expect(asked).toEqual(['priority a1b2 60', 'hold a1b2', 'release c3d4']);
  });

  it('mean all of an array that stands as one line', async () => {
    const element = (index: number): IJob =>
      job({ id: `e${index}`, name: `sweep/${index}`, part_of: 'arr9', index });
    const { asked, fake } = shown([element(0), element(1), element(2)]);
    const line = await row('sweep');
    expect(line.textContent).toContain('3 elements');
    fireEvent.keyDown(line, { key: 'ArrowDown', altKey: true });
    await waitFor(() => expect(asked).toEqual(['priority arr9 40']));
    fireEvent.keyDown(line, { key: 'i' });
    await waitFor(() =>
      expect(fake.code.insertBelow).toHaveBeenCalledWith('ml.job("arr9").table()', 'python')
    );
  });

  it('leave alone what runs, and other keys', async () => {
    const { asked } = shown([], [job({ state: 'running', started_at: MOMENT })]);
    const line = await row('train');
    fireEvent.keyDown(line, { key: 'h' });
    fireEvent.keyDown(line, { key: 'ArrowUp', altKey: true });
    fireEvent.keyDown(line, { key: 'h', ctrlKey: true });
    await Promise.resolve();
    expect(asked).toEqual([]);
  });
});

describe('a line of the queue', () => {
  it('says what it waits for, or who holds it', async () => {
    shown([job({}), job({ id: 'c3d4', name: 'report', held_by: 'bob' })]);
    expect((await row('train')).querySelector('[data-reason]')?.textContent).toBe(
      'Needs 2 GPUs, 1 is free.'
    );
    expect((await row('report')).querySelector('[data-state]')?.getAttribute('data-state')).toBe(
      'held'
    );
    expect((await row('report')).textContent).toContain('held by bob');
  });

  it('tells an end only where the job says how far it is: cells of a notebook tell nothing of time', () => {
    const half = {
      progress: { value: 0.5, basis: 'est', n: null, error: null },
      started_at: MOMENT
    } as const;
    expect(endOf(job({ ...half, progress_text: 'epoch 5/10', elapsed_seconds: 60 }))).toBe(
      '2026-01-01T12:02:00.000Z'
    );
    expect(endOf(job({ ...half, progress_text: 'cell 1/2', elapsed_seconds: 60 }))).toBeNull();
    expect(endOf(job({ started_at: MOMENT, elapsed_seconds: 60 }))).toBeNull();
  });
});

it('no number of the queue stands without its basis', async () => {
  shown([job({ priority: 37, gpus: 2, gpu_type: 'A100' })]);
  const cells = [...(await row('train')).querySelectorAll('td')];
  const numbers = cells.filter(cell => /^[\d,.]+( A100)?$/.test(cell.textContent));
  expect(numbers.map(cell => cell.textContent)).toEqual(['1', '2 A100', '37']);
  expect(numbers.filter(cell => !cell.querySelector('[data-basis="exact"]'))).toEqual([]);
});
