import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
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
      return {
        text: offset === 0 ? 'a\n' : 'b\n',
        offset,
        next: offset + 2,
        size: 4,
        ended: false
      };
    };
    show(fakeWorkbench({ jobs: { log } }), <JobLog job={job} follow onFollow={() => undefined} />);
    await after(10);
    expect(screen.getByRole('log').textContent).toBe('a\n');
    await after(60_000);
    expect(screen.getByRole('log').textContent).toBe('a\nb\n');
  });
});

describe('the log of a long job', () => {
  const line = `${'x'.repeat(99)}\n`;
  const asked: object[] = [];
  const log = async (
    _: string,
    options: { offset?: number; until?: number; tail?: number }
  ): Promise<unknown> => {
    asked.push(options);
    const size = 2_000_000;
    const next =
      options.tail === undefined
        ? Math.min(size, options.offset! + 200_000)
        : (options.until ?? size);
    const offset = options.offset ?? next - 200_000;
    return { text: line.repeat((next - offset) / 100), offset, next, size, ended: next === size };
  };

  it('shows earlier lines where they are, and follows no more', async () => {
    const onFollow = jest.fn();
    const Followed = (): React.ReactElement => {
      const [follow, setFollow] = React.useState(true);
      onFollow.mockImplementation(setFollow);
      return <JobLog job={{ ...job, state: 'succeeded' }} follow={follow} onFollow={onFollow} />;
    };
    show(fakeWorkbench({ jobs: { log } }), <Followed />);
    await after(100);
    const host = screen.getByRole('log');
    expect(host.textContent.length).toBe(200_000);
    Object.defineProperty(host, 'scrollHeight', {
      get: () => 10 * (host.textContent.length / 200_000)
    });
    fireEvent.click(screen.getByText('Earlier…'));
    await after(100);
    expect(onFollow).toHaveBeenCalledWith(false);
    expect(asked.at(-1)).toMatchObject({ until: 1_800_000 });
    expect(host.textContent.length).toBe(400_000);
    expect(host.scrollTop).toBe(10); // where the first line stands that had been there
  });
});

describe('what a job prints', () => {
  const PIECES = [
    '\u001b[32mstart\u001b[0m\n 10 %|█   |\r',
    ' 50 %|██  |',
    '\r100 %|████|\nsaved to https://example.org/m\n'
  ];

  it('is drawn as a terminal does, wherever its pieces are cut', async () => {
    const at = PIECES.map((_, index) => PIECES.slice(0, index).join('').length);
    const size = PIECES.join('').length;
    const log = async (_: string, { offset }: { offset: number }): Promise<unknown> => {
      const text = PIECES[at.indexOf(offset)] ?? '';
      return { text, offset, next: offset + text.length, size, ended: offset === size };
    };
    show(fakeWorkbench({ jobs: { log } }), <JobLog job={job} follow onFollow={() => undefined} />);
    await after(100);
    const host = screen.getByRole('log');
    expect(host.textContent).toBe('start\n100 %|████|\nsaved to https://example.org/m\n');
    expect(host.querySelector('.ansi-green-fg')?.textContent).toBe('start');
    expect(host.querySelector('a')?.href).toBe('https://example.org/m');
  });
});

describe('a log that cannot be read', () => {
  it('is asked for later and later, and what was seen stays, with when', async () => {
    let lost = false;
    const log = jest.fn(async (_: string, { offset }: { offset: number }): Promise<unknown> => {
      if (lost) {
        throw new ApiError('unreachable', 'gone');
      }
      return { text: offset ? '' : 'seen\n', offset, next: 5, size: 5, ended: false };
    });
    const { container } = show(
      fakeWorkbench({ jobs: { log } }),
      <JobLog job={job} follow onFollow={() => undefined} />
    );
    await after(100);
    lost = true;
    log.mockClear();
    await after(600_000);
    expect(log.mock.calls.length).toBeLessThan(20);
    expect(container.querySelector('[data-card]')?.getAttribute('data-card')).toBe('stale');
    expect(screen.getByRole('log').textContent).toBe('seen\n');
    lost = false;
    fireEvent.click(screen.getByText('Try Now'));
    await after(10);
    expect(container.querySelector('[data-card]')).toBeNull();
    lost = true;
    await after(60_000);
    expect(container.querySelector('[data-card]')).not.toBeNull();
    lost = false;
    act(() => void window.dispatchEvent(new Event('online')));
    await after(10);
    expect(container.querySelector('[data-card]')).toBeNull();
  });

  it('is not asked for again where it is refused', async () => {
    const log = jest.fn(() =>
      Promise.reject(new ApiError('not_found', 'There is no job.', '', '', 404))
    );
    show(fakeWorkbench({ jobs: { log } }), <JobLog job={job} follow onFollow={() => undefined} />);
    await after(60_000);
    expect(log).toHaveBeenCalledTimes(1);
    expect(screen.getByRole('alert').textContent).toContain('There is no job.');
  });
});
