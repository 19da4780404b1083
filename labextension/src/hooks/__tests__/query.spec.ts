import { ApiError } from '../../api/errors';
import { concerns, Poller } from '../query';

const settle = async (): Promise<void> => {
  await jest.advanceTimersByTimeAsync(0);
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('Poller', () => {
  it('asks nothing before it is started, and nothing after it is stopped', async () => {
    const fetch = jest.fn(async () => 1);
    const poller = new Poller(fetch, () => 1000);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(fetch).not.toHaveBeenCalled();
    poller.start();
    await settle();
    poller.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('asks again after the interval that the answer calls for', async () => {
    const fetch = jest.fn(async () => 'running');
    const poller = new Poller<string>(fetch, data => (data === 'running' ? 2_000 : 15_000));
    poller.start();
    await jest.advanceTimersByTimeAsync(6_100);
    expect(fetch).toHaveBeenCalledTimes(4);
    poller.stop();
  });

  it('keeps the last data when a later request fails, and waits longer each time', async () => {
    let fails = false;
    const fetch = jest.fn(async () => {
      if (fails) {
        throw new ApiError('unreachable', 'gone');
      }
      return 7;
    });
    const poller = new Poller(fetch, () => 2_000);
    poller.start();
    await settle();
    fails = true;
    await jest.advanceTimersByTimeAsync(2_000);
    expect(poller.answer).toMatchObject({ data: 7, loading: false });
    expect(poller.answer.error?.code).toBe('unreachable');
    const before = fetch.mock.calls.length;
    await jest.advanceTimersByTimeAsync(14_000); // after 2, 4 and 8 seconds
    expect(fetch.mock.calls.length - before).toBe(3);
    poller.stop();
  });

  it('asks once for a burst of news', async () => {
    const fetch = jest.fn(async () => 1);
    const poller = new Poller(fetch, () => null);
    poller.start();
    await settle();
    poller.nudge();
    poller.nudge();
    poller.nudge();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    poller.stop();
  });

  it('asks while news never pauses, and not for each of them', async () => {
    const fetch = jest.fn(async () => 1);
    const poller = new Poller(fetch, () => null);
    poller.start();
    await settle();
    for (let passed = 0; passed < 5_000; passed += 100) {
      poller.nudge();
      await jest.advanceTimersByTimeAsync(100);
    }
    const asked = fetch.mock.calls.length - 1;
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(15);
    poller.stop();
  });

  it('asks when shown again if news came while hidden', async () => {
    const fetch = jest.fn(async () => 1);
    const poller = new Poller(fetch, () => null);
    poller.start();
    await settle();
    poller.stop();
    poller.nudge();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    poller.start();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    poller.stop();
  });

  it('does not ask again when shown again with a fresh answer', async () => {
    const fetch = jest.fn(async () => 1);
    const poller = new Poller(fetch, () => 15_000);
    poller.start();
    await settle();
    poller.stop();
    poller.start();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    poller.stop();
  });

  it('asks nothing after an error that stays true, shown again or not, until there is news', async () => {
    const fetch = jest.fn(async () => {
      throw new ApiError('not_found', 'There is no project.');
    });
    const poller = new Poller(fetch, () => null, ['not_found']);
    poller.start();
    await jest.advanceTimersByTimeAsync(600_000);
    poller.stop();
    poller.start();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    poller.nudge();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    poller.stop();
  });

  it('drops the request under way when it is stopped', async () => {
    const signals: AbortSignal[] = [];
    const poller = new Poller(
      signal => {
        signals.push(signal);
        return new Promise<number>(() => undefined);
      },
      () => null
    );
    poller.start();
    poller.stop();
    expect(signals[0]?.aborted).toBe(true);
    expect(poller.answer.loading).toBe(false);
  });
  it('begins with the answer to a like question, and asks at once all the same', async () => {
    const poller = new Poller(
      async () => 2,
      () => null
    );
    poller.borrow({ data: 1, at: 5 });
    expect(poller.answer).toMatchObject({ data: 1, at: 5, borrowed: true });
    poller.start();
    await settle();
    expect(poller.answer).toMatchObject({ data: 2, borrowed: false });
    poller.stop();
  });

  it.each([
    ['fails', async () => Promise.reject(new ApiError('bad_request', 'x'))],
    ['is given up', () => new Promise<number>(() => undefined)]
  ])('gives the answer of another question back when its own %s', async (how, fetch) => {
    const poller = new Poller<number>(fetch, () => null);
    poller.borrow({ data: 1, at: 5 });
    poller.start();
    await settle();
    if (how === 'is given up') {
      poller.cancel();
    }
    expect(poller.answer).toMatchObject({
      data: undefined,
      at: 0,
      borrowed: false,
      loading: false
    });
    poller.stop();
  });
});

describe('news', () => {
  it.each([
    ['run:9c1e', ['run:9c1e'], true],
    ['run:77ab', ['run:9c1e'], false],
    ['run:9c1e55d0', ['run:9c1e'], true], // a link may have the beginning of an id
    ['run:77ab', ['run:9c1e', 'run:77ab'], true],
    ['version:churn/7', ['model:churn'], true],
    ['model:fraud', ['model:churn'], false],
    ['alert:churn/drift/clicks', ['monitor:churn'], true],
    ['step:churn/train', ['pipeline:churn'], true],
    ['step:churn%2Fdaily/train', ['pipeline:churn'], false],
    ['dataset:a.b', ['dataset:a.bc'], false]
  ])('of %s concern a page about %s: %s', (ref, about, expected) => {
    expect(concerns(ref, about)).toBe(expected);
  });
});
