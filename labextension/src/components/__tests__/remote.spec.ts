import { RemoteTable } from '../remote';

const COLUMNS = [{ name: 'a', type: 'i64' }] as never;

describe('a remote table', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const failing = (): { table: RemoteTable; fetch: jest.Mock; painted: jest.Mock } => {
    const fetch = jest.fn(async () => Promise.reject(new Error('down')));
    const table = new RemoteTable(COLUMNS, 700, fetch);
    const painted = jest.fn();
    table.changed.connect(painted);
    return { table, fetch, painted };
  };

  it('paints a block that failed again after a pause, which asks for it again', async () => {
    const { table, fetch, painted } = failing();
    table.data('body', 600, 0);
    await jest.advanceTimersByTimeAsync(100);
    table.data('body', 600, 0);
    expect(fetch).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(painted.mock.calls[0]?.[1]).toMatchObject({
      type: 'cells-changed',
      row: 500,
      rowSpan: 200
    });
    table.data('body', 600, 0);
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('does nothing more once it is disposed', async () => {
    const { table, painted } = failing();
    table.data('body', 0, 0);
    await jest.advanceTimersByTimeAsync(100);
    table.dispose();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(painted).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('asks for the rows in sight next, and not for those that were scrolled past', async () => {
    const answers: (() => void)[] = [];
    const fetch = jest.fn(
      async (_start: number, count: number) =>
        new Promise<never>(resolve => {
          answers.push(() => resolve({ data: [new Array(count).fill(7)], shown: count } as never));
        })
    );
    const table = new RemoteTable(COLUMNS, 500_000, fetch);
    for (let block = 0; block < 100; block++) {
      table.data('body', block * 500, 0); // the bar is dragged
    }
    expect(fetch.mock.calls.map(([start]) => start)).toEqual([0, 500, 1000, 1500]);
    answers[0]?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(fetch).toHaveBeenLastCalledWith(99 * 500, 500);
    while (answers.length) {
      answers.splice(0).forEach(answer => answer());
      await jest.advanceTimersByTimeAsync(0);
    }
    expect(fetch).toHaveBeenCalledTimes(8);
    expect(table.data('body', 99 * 500, 0)).toBe('7');
    table.data('body', 50 * 500, 0); // back to what was passed over
    expect(fetch).toHaveBeenLastCalledWith(50 * 500, 500);
  });
});
