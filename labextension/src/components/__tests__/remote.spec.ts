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
});
