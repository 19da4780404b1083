import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IJob, IQueuedJob } from '../../api/types';
import { fakeWorkbench, type IFake, show, madeUp } from '../../components/__tests__/workbench';
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
    labels: {},
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
      return waiting.find(({ id }) => id === words[0]) ?? arrayOf(String(words[0]));
    };
  const fake = fakeWorkbench({
    jobs: {
      list: async ({ array }: { array?: string }) => {
        const items = array ? waiting.filter(({ part_of }) => part_of === array) : running;
        return { items, shown: items.length, total: items.length, cursor: null };
      },
      show: async (id: string) => waiting.find(one => one.id === id) ?? arrayOf(id),
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
      release: note('release'),
      cancel: note('cancel')
    }
  });
  show(fake, <Queue />);
  return { fake, asked };
}

/** An array as the server tells of it, whose first element began before the others were changed. */
const arrayOf = (id: string): IJob =>
  job({
    id,
    ref: `job:${id}`,
    state: 'running',
    array: { size: 4, max_parallel: null, states: { running: 1, queued: 3 }, elements: [] }
  });

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

  const element = (index: number): IJob =>
    job({ id: `e${index}`, ref: `job:e${index}`, name: `sweep/${index}`, part_of: 'arr9', index });

  it('mean all of an array that stands as one line', async () => {
    const { asked, fake } = shown([element(1), element(2), element(3)]);
    const line = await row('sweep');
    expect(line.textContent).toContain('3 elements');
    fireEvent.keyDown(line, { key: 'ArrowDown', altKey: true });
    await waitFor(() => expect(asked).toEqual(['priority arr9 40']));
    fireEvent.keyDown(line, { key: 'i' });
    await waitFor(() =>
      expect(fake.code.insertBelow).toHaveBeenCalledWith(
        madeUp({ call: 'jobs-array', values: { job: 'arr9' } }),
        'python'
      )
    );
  });

  it('cancel all of an array that stands as one line', async () => {
    const { asked } = shown([element(1), element(2), element(3)]);
    fireEvent.keyDown(await row('sweep'), { key: 'k' });
    await waitFor(() => expect(asked).toEqual(['cancel arr9']));
  });

  it('release and move an array by what waits of it', async () => {
    const waits = { held_by: 'bob', priority: 80 };
    const { asked } = shown([1, 2].map(index => ({ ...element(index), ...waits })));
    fireEvent.keyDown(await row('sweep'), { key: 'h' });
    await waitFor(() => expect(asked).toEqual(['release arr9']));
    fireEvent.keyDown(await row('sweep'), { key: 'ArrowUp', altKey: true });
    await waitFor(() => expect(asked).toEqual(['release arr9', 'priority arr9 90']));
  });

  it('go on from what the last one did, whatever the list shows', async () => {
    let priority = 50;
    const set: number[] = [];
    const { fake } = shown([job({})]);
    Object.assign(fake.workbench.client.jobs, {
      show: async () => job({ priority }),
      prioritize: async (_: string, next: number) => {
        set.push((priority = next));
        return job({ priority });
      }
    });
    const line = await row('train');
    for (const many of [1, 2]) {
      await act(async () => new Promise(resolve => setTimeout(resolve, 20)));
      act(() => fake.workbench.seen.note('job:a1b2', job({}))); // an old card is drawn
      fireEvent.keyDown(line, { key: 'ArrowUp', altKey: true });
      await waitFor(() => expect(set).toHaveLength(many));
    }
    expect(set).toEqual([60, 70]);
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
  const numbers = cells.filter(cell => /^(A100 × )?[\d,.]+$/.test(cell.textContent));
  expect(numbers.map(cell => cell.textContent)).toEqual(['1', 'A100 × 2', '37']);
  expect(numbers.filter(cell => !cell.querySelector('[data-basis="exact"]'))).toEqual([]);
});
