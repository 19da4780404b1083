import { ApiError } from '../../api/errors';
import { concerns } from '../answers';
import { Question } from '../question';

const settle = async (): Promise<void> => {
  await jest.advanceTimersByTimeAsync(0);
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('a question', () => {
  it('asks nothing before it is started, and nothing after it is stopped', async () => {
    const fetch = jest.fn(async () => 1);
    const question = new Question(fetch, () => 1000);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(fetch).not.toHaveBeenCalled();
    question.start();
    await settle();
    question.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('asks again after the interval that the answer calls for', async () => {
    const fetch = jest.fn(async () => 'running');
    const question = new Question<string>(fetch, data => (data === 'running' ? 2_000 : 15_000));
    question.start();
    await jest.advanceTimersByTimeAsync(6_100);
    expect(fetch).toHaveBeenCalledTimes(4);
    question.stop();
  });

  it('keeps the last data when a later request fails, and waits longer each time', async () => {
    let fails = false;
    const fetch = jest.fn(async () => {
      if (fails) {
        throw new ApiError('unreachable', 'gone');
      }
      return 7;
    });
    const question = new Question(fetch, () => 2_000);
    question.start();
    await settle();
    fails = true;
    await jest.advanceTimersByTimeAsync(2_000);
    expect(question.answer).toMatchObject({ data: 7, loading: false });
    expect(question.answer.error?.code).toBe('unreachable');
    const before = fetch.mock.calls.length;
    await jest.advanceTimersByTimeAsync(14_000); // after 2, 4 and 8 seconds
    expect(fetch.mock.calls.length - before).toBe(3);
    question.stop();
  });

  it('asks once for a burst of news', async () => {
    const fetch = jest.fn(async () => 1);
    const question = new Question(fetch, () => null);
    question.start();
    await settle();
    question.nudge();
    question.nudge();
    question.nudge();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    question.stop();
  });

  it('asks while news never pauses, and not for each of them', async () => {
    const fetch = jest.fn(async () => 1);
    const question = new Question(fetch, () => null);
    question.start();
    await settle();
    for (let passed = 0; passed < 5_000; passed += 100) {
      question.nudge();
      await jest.advanceTimersByTimeAsync(100);
    }
    const asked = fetch.mock.calls.length - 1;
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(15);
    question.stop();
  });

  it('asks when shown again if news came while hidden', async () => {
    const fetch = jest.fn(async () => 1);
    const question = new Question(fetch, () => null);
    question.start();
    await settle();
    question.stop();
    question.nudge();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    question.start();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    question.stop();
  });

  it('does not ask again when shown again with a fresh answer', async () => {
    const fetch = jest.fn(async () => 1);
    const question = new Question(fetch, () => 15_000);
    question.start();
    await settle();
    question.stop();
    question.start();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    question.stop();
  });

  it('asks nothing after an error that stays true, shown again or not, until there is news', async () => {
    const fetch = jest.fn(async () => {
      throw new ApiError('not_found', 'There is no project.');
    });
    const question = new Question(
      fetch,
      () => null,
      code => code === 'not_found'
    );
    question.start();
    await jest.advanceTimersByTimeAsync(600_000);
    question.stop();
    question.start();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    question.nudge();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    question.stop();
  });

  it('drops the request under way when it is stopped', async () => {
    const signals: AbortSignal[] = [];
    const question = new Question(
      signal => {
        signals.push(signal);
        return new Promise<number>(() => undefined);
      },
      () => null
    );
    question.start();
    question.stop();
    expect(signals[0]?.aborted).toBe(true);
    expect(question.answer.loading).toBe(false);
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
