import { act, fireEvent, render, type RenderResult, screen } from '@testing-library/react';
import React, { useState } from 'react';

import { ApiError } from '../../api/errors';
import { fakeWorkbench, framed, type IFake } from '../../components/__tests__/workbench';
import { useMemory } from '../../hooks/memory';
import { type IQueryOptions, useQuery } from '../../hooks/query';

interface IAsked {
  answer: (text: string) => Promise<void>;
  fail: () => Promise<void>;
  aborted: () => boolean;
}

/** A server whose answers come when a test says so, and all that it was asked. */
function server(): { asked: IAsked[]; fetch: (signal: AbortSignal) => Promise<string> } {
  const asked: IAsked[] = [];
  const fetch = (signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) =>
      asked.push({
        answer: text => act(async () => resolve(text)),
        fail: () => act(async () => reject(new ApiError('unreachable', 'down'))),
        aborted: () => signal.aborted
      })
    );
  return { asked, fetch };
}

interface IShowProps extends IQueryOptions<string> {
  name: string;
  ask: string;
  fetch: (signal: AbortSignal) => Promise<string>;
}

function Show({ name, ask, fetch, ...options }: IShowProps): React.ReactElement {
  const { data, error, borrowed, refresh } = useQuery(ask, fetch, {
    every: () => null,
    ...options
  });
  return (
    <button type="button" aria-label={name} onClick={() => void refresh()}>
      {data ?? error?.what ?? 'nothing'}
      {borrowed && ' (before)'}
    </button>
  );
}

const shownText = (name: string): string | null => screen.getByRole('button', { name }).textContent;
const draw = (fake: IFake, ...shown: React.ReactElement[]): RenderResult =>
  render(framed(fake, <>{shown}</>));
/** Longer than the pace at which news are followed. */
const rest = (): Promise<void> =>
  act(async () => {
    jest.advanceTimersByTime(1_000);
  });

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('answers', () => {
  it('are asked for once by all who show them, also while the request is under way', async () => {
    const fake = fakeWorkbench();
    const { asked, fetch } = server();
    const { rerender } = draw(
      fake,
      <Show key="1" name="panel" ask="run:a" fetch={fetch} />,
      <Show key="2" name="page" ask="run:a" fetch={fetch} />
    );
    expect(asked.length).toBe(1);
    await asked[0]?.answer('fast');
    expect([shownText('panel'), shownText('page')]).toEqual(['fast', 'fast']);
    rerender(
      framed(
        fake,
        <>
          <Show key="2" name="page" ask="run:a" fetch={fetch} />
          <Show key="3" name="hover" ask="run:a" fetch={fetch} />
        </>
      )
    );
    expect(shownText('hover')).toBe('fast');
    expect(asked.length).toBe(1);
  });

  it('of other questions are their own', async () => {
    const { asked, fetch } = server();
    draw(
      fakeWorkbench(),
      <Show key="1" name="a" ask="run:a" fetch={fetch} />,
      <Show key="2" name="b" ask="run:b" fetch={fetch} />
    );
    await asked[1]?.answer('of b');
    expect([shownText('a'), shownText('b')]).toEqual(['nothing', 'of b']);
  });

  it('are asked for again at an event of what they tell of, and no others', async () => {
    const fake = fakeWorkbench();
    const asked: string[] = [];
    const shown = (ask: string, about?: string): React.ReactElement => (
      <Show
        key={ask}
        name={ask}
        ask={ask}
        topics={['run']}
        about={about}
        fetch={async () => {
          asked.push(ask);
          return ask;
        }}
      />
    );
    draw(
      fake,
      shown('run:a', 'run:a'),
      shown('run:b', 'run:b'),
      shown('runs of e', 'experiment:e'),
      shown('runs of f', 'experiment:f'),
      shown('experiments')
    );
    await rest();
    asked.length = 0;
    fake.emit({ topic: 'run', ref: 'run:a', data: { experiment: 'e' } });
    fake.emit({ topic: 'model', ref: 'model:m', data: {} });
    await rest();
    expect([...asked].sort()).toEqual(['experiments', 'run:a', 'runs of e']);
  });

  it('that are errors are not kept: who comes later asks anew', async () => {
    const fake = fakeWorkbench();
    const { asked, fetch } = server();
    const first = <Show key="1" name="panel" ask="run:a" fetch={fetch} />;
    const { rerender } = draw(fake, first);
    await asked[0]?.fail();
    expect(shownText('panel')).toBe('down');
    rerender(
      framed(
        fake,
        <>
          {first}
          <Show key="2" name="page" ask="run:a" fetch={fetch} />
        </>
      )
    );
    expect(asked.length).toBe(2);
    await asked[1]?.answer('there');
    expect([shownText('panel'), shownText('page')]).toEqual(['there', 'there']);
  });

  it('are asked for anew once the server answers again, also those that did not fail', async () => {
    const fake = fakeWorkbench();
    const [page, panel] = [server(), server()];
    draw(
      fake,
      <Show key="1" name="page" ask="run:a" every={() => 15_000} fetch={page.fetch} />,
      <Show key="2" name="panel" ask="runs" fetch={panel.fetch} />
    );
    await page.asked[0]?.fail();
    await panel.asked[0]?.answer('old');
    await rest();
    expect([page.asked.length, panel.asked.length]).toEqual([2, 2]);
    await page.asked[1]?.answer('there');
    await panel.asked[1]?.answer('new'); // its events were missed
    expect([shownText('page'), shownText('panel')]).toEqual(['there', 'new']);
    await act(async () => {
      jest.advanceTimersByTime(15_000);
    });
    await page.asked[2]?.fail();
    window.dispatchEvent(new Event('online'));
    await rest();
    expect([page.asked.length, panel.asked.length]).toEqual([4, 3]);
  });

  it('are not asked for again and again since one of them is always lost', async () => {
    let asked = 0;
    const page = (): Promise<string> => Promise.reject(new ApiError('unreachable', 'down'));
    const panel = async (): Promise<string> => `${(asked += 1)}`;
    draw(
      fakeWorkbench(),
      <Show key="1" name="page" ask="run:a" every={() => 1_000} fetch={page} />,
      <Show key="2" name="panel" ask="runs" every={() => 1_000} fetch={panel} />
    );
    await act(async () => jest.advanceTimersByTimeAsync(60_000));
    expect(asked).toBeGreaterThan(50);
    expect(asked).toBeLessThan(65);
  });

  it('that arrive after a newer one are dropped', async () => {
    const { asked, fetch } = server();
    draw(fakeWorkbench(), <Show key="1" name="page" ask="run:a" fetch={fetch} />);
    fireEvent.click(screen.getByRole('button', { name: 'page' }));
    expect(asked.map(({ aborted }) => aborted())).toEqual([true, false]);
    await asked[1]?.answer('new');
    await asked[0]?.answer('old');
    expect(shownText('page')).toBe('new');
  });

  it('are forgotten, and asked for no more, once the last who shows them is gone', async () => {
    const fake = fakeWorkbench();
    const { asked, fetch } = server();
    const page = (key: string): React.ReactElement => (
      <Show key={key} name={key} ask="run:a" topics={['run']} fetch={fetch} />
    );
    const { rerender } = draw(fake, page('1'), page('2'));
    await asked[0]?.answer('old');
    rerender(framed(fake, <>{page('2')}</>));
    fake.emit({ topic: 'run', ref: 'run:a', data: {} });
    await rest();
    expect(asked.length).toBe(2); // one still looks
    rerender(framed(fake, <></>));
    expect(asked[1]?.aborted()).toBe(true);
    fake.emit({ topic: 'run', ref: 'run:a', data: {} });
    await rest();
    expect(asked.length).toBe(2);
    rerender(framed(fake, <>{page('3')}</>));
    expect(shownText('3')).toBe('nothing');
    expect(asked.length).toBe(3);
  });

  it('are not asked for while nobody looks, and at once after news that came meanwhile', async () => {
    const fake = fakeWorkbench();
    const { asked, fetch } = server();
    draw(fake, <Show key="1" name="page" ask="run:a" topics={['run']} fetch={fetch} />);
    await asked[0]?.answer('old');
    act(() => void (fake.visibility.shown = false));
    fake.emit({ topic: 'run', ref: 'run:a', data: {} });
    await rest();
    expect(asked.length).toBe(1);
    act(() => void (fake.visibility.shown = true));
    expect(asked.length).toBe(2);
  });

  it('come as often as the one wants them who wants them most', async () => {
    const asked = jest.fn(async () => 'there');
    draw(
      fakeWorkbench(),
      <Show key="1" name="badge" ask="compute" every={() => null} fetch={asked} />,
      <Show key="2" name="panel" ask="compute" every={() => 2_000} fetch={asked} />,
      <Show key="3" name="page" ask="compute" every={() => 15_000} fetch={asked} />
    );
    await act(async () => {
      await jest.advanceTimersByTimeAsync(6_100);
    });
    expect(asked).toHaveBeenCalledTimes(4);
  });
});

describe('the rows of a list', () => {
  function Sorted({ list, fetch }: Pick<IShowProps, 'list' | 'fetch'>): React.ReactElement {
    const [order, setOrder] = useState('name');
    return (
      <>
        <Show name="rows" ask={`${list}:${order}`} list={list} fetch={fetch} />
        <button type="button" onClick={() => setOrder('age')}>
          sort
        </button>
      </>
    );
  }
  const sort = (): boolean => fireEvent.click(screen.getByRole('button', { name: 'sort' }));

  it('stay until those of another order come', async () => {
    const { asked, fetch } = server();
    draw(fakeWorkbench(), <Sorted key="1" list="runs" fetch={fetch} />);
    await asked[0]?.answer('by name');
    sort();
    expect(shownText('rows')).toBe('by name (before)');
    await asked[1]?.answer('by age');
    expect(shownText('rows')).toBe('by age');
  });

  it('are given back when the other order cannot be had', async () => {
    const { asked, fetch } = server();
    draw(fakeWorkbench(), <Sorted key="1" list="runs" fetch={fetch} />);
    await asked[0]?.answer('by name');
    sort();
    await asked[1]?.fail();
    expect(shownText('rows')).toBe('down');
  });

  it('of another list are never shown', async () => {
    const { asked, fetch } = server();
    draw(fakeWorkbench(), <Sorted key="1" list={undefined} fetch={fetch} />);
    await asked[0]?.answer('by name');
    sort();
    expect(shownText('rows')).toBe('nothing');
  });
});

describe('what is kept between sessions', () => {
  function Switch({ name }: { name: string }): React.ReactElement {
    const [on, setOn, loaded] = useMemory('switch', false);
    return (
      <button type="button" aria-label={name} onClick={() => setOn(!on)}>
        {loaded ? String(on) : 'unknown'}
      </button>
    );
  }

  it('is the same wherever it is shown, and comes back', async () => {
    const fake = fakeWorkbench();
    const { unmount } = draw(fake, <Switch key="1" name="a" />, <Switch key="2" name="b" />);
    expect(shownText('a')).toBe('unknown');
    await rest();
    fireEvent.click(screen.getByRole('button', { name: 'a' }));
    expect([shownText('a'), shownText('b')]).toEqual(['true', 'true']);
    unmount();
    draw(fake, <Switch key="3" name="c" />);
    await rest();
    expect(shownText('c')).toBe('true');
  });

  it('is what the user chose, though what was kept before is read only after it', async () => {
    const fake = fakeWorkbench();
    fake.kept.set('switch', false);
    draw(fake, <Switch key="1" name="a" />);
    fireEvent.click(screen.getByRole('button', { name: 'a' }));
    await rest();
    expect(shownText('a')).toBe('true');
  });
});
