import { act, render, screen } from '@testing-library/react';
import React from 'react';

import { Answers, type IUse } from '../../answers/answers';
import type { IEvents } from '../../api/events';
import { fakeWorkbench, framed, type IFake } from '../../components/__tests__/workbench';
import { unfolded, useDetails } from '../details';
import { RefreshContext } from '../refresh';

interface IAsked {
  answer: (text: string) => void;
  fail: () => void;
}

interface IProbeProps {
  open?: boolean;
  rows?: number;
  at?: number;
  turn?: number;
}

interface ISetup {
  fake: IFake;
  asked: IAsked[];
  ask: (props: IProbeProps) => void;
  shownText: () => string | null;
  unmount: () => void;
}

/** Longer than the pace at which details are asked for again. */
const rest = (): Promise<void> => act(async () => jest.advanceTimersByTime(600));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function setup(
  moves?: (data: string, name: string) => boolean,
  answersTo = (events: IEvents) => new Answers(events)
): ISetup {
  const asked: IAsked[] = [];
  const fetch = (): Promise<string> =>
    new Promise((resolve, reject) =>
      asked.push({ answer: resolve, fail: () => reject(new Error('down')) })
    );
  function Probe({ rows = 1, at = 1, open = true }: IProbeProps): React.ReactElement {
    const items = [
      { ref: 'view:a', name: 'a', rows },
      { ref: 'view:b', name: 'b', rows }
    ];
    const detail = useDetails(unfolded(items, new Set(open ? ['view:a'] : [])), fetch, {
      at,
      moves,
      topics: ['view']
    }).get('a');
    return <p role="note">{detail?.data ?? detail?.error?.what ?? 'nothing'}</p>;
  }
  const fake = fakeWorkbench();
  Object.assign(fake.workbench, { answers: answersTo(fake.workbench.events) });
  const drawn = ({ turn = 0, ...props }: IProbeProps): React.ReactElement =>
    framed(
      fake,
      <RefreshContext.Provider value={turn}>
        <Probe {...props} />
      </RefreshContext.Provider>
    );
  const { rerender, unmount } = render(drawn({}));
  return {
    fake,
    asked,
    ask: props => rerender(drawn(props)),
    shownText: () => screen.getByRole('note').textContent,
    unmount
  };
}

describe('details', () => {
  it('are asked for once, however often the list is', async () => {
    const { asked, ask, shownText } = setup();
    await act(async () => asked[0]?.answer('there'));
    ask({ at: 2 });
    ask({ at: 3 });
    await rest();
    expect(asked.length).toBe(1);
    expect(shownText()).toBe('there');
  });

  it('are asked for again when the list shows another row, at a refresh, and at news of the row', async () => {
    const { fake, asked, ask } = setup();
    await act(async () => asked[0]?.answer('there'));
    ask({ rows: 2 });
    await rest();
    expect(asked.length).toBe(2);
    await act(async () => asked[1]?.answer('there'));
    ask({ rows: 2, turn: 1 });
    expect(asked.length).toBe(3);
    await act(async () => asked[2]?.answer('there'));
    fake.emit({ topic: 'view', ref: 'view:b', data: {} });
    await rest();
    expect(asked.length).toBe(3);
    fake.emit({ topic: 'view', ref: 'view:a', data: {} });
    await rest();
    expect(asked.length).toBe(4);
  });

  it('that change without the list showing it are asked for with the list', async () => {
    const { asked, ask } = setup(text => text === 'running');
    await act(async () => asked[0]?.answer('running'));
    expect(asked.length).toBe(1);
    ask({ at: 2 });
    await rest();
    await act(async () => asked[1]?.answer('ended'));
    ask({ at: 3 });
    await rest();
    expect(asked.length).toBe(2);
  });

  it('show each answer that comes, and ask once more for what came meanwhile, however fast events are', async () => {
    const { fake, asked, shownText } = setup();
    const news = async (): Promise<void> => {
      for (let event = 0; event < 20; event++) {
        fake.emit({ topic: 'view', ref: 'view:a', data: {} });
        await act(async () => jest.advanceTimersByTime(50));
      }
    };
    await news();
    expect(asked.length).toBe(1);
    await act(async () => asked[0]?.answer('old'));
    expect(shownText()).toBe('old');
    await news();
    expect(asked.length).toBe(2);
    await act(async () => asked[1]?.answer('new'));
    expect(shownText()).toBe('new');
  });

  it('are asked for again when the row is unfolded again; what was known stays until then', async () => {
    const { asked, ask, shownText } = setup();
    await act(async () => asked[0]?.answer('there'));
    ask({ open: false });
    await rest();
    expect(asked.length).toBe(1);
    ask({ open: true });
    expect(asked.length).toBe(2);
    expect(shownText()).toBe('there');
    await act(async () => asked[1]?.answer('more'));
    expect(shownText()).toBe('more');
  });

  it('wait while nobody looks', async () => {
    const { fake, asked } = setup();
    await act(async () => asked[0]?.answer('there'));
    act(() => void (fake.visibility.shown = false));
    fake.emit({ topic: 'view', ref: 'view:a', data: {} });
    await rest();
    expect(asked.length).toBe(1);
    act(() => void (fake.visibility.shown = true));
    expect(asked.length).toBe(2);
  });

  it('are asked for again after an error, with the next answer of the list', async () => {
    const { asked, ask, shownText } = setup();
    await act(async () => asked[0]?.fail());
    expect(shownText()).toBe('down');
    expect(asked.length).toBe(1);
    ask({ at: 2 });
    await rest();
    await act(async () => asked[1]?.answer('there'));
    expect(shownText()).toBe('there');
  });

  it('are not listened to once the list is gone', () => {
    let listeners = 0;
    class Counted extends Answers {
      override use<T>(...asked: Parameters<Answers['use']>): IUse<T> {
        const use = super.use(...asked) as IUse<T>;
        const subscribe = (changed: () => void): (() => void) => {
          listeners += 1;
          const leave = use.subscribe(changed);
          return () => {
            listeners -= 1;
            leave();
          };
        };
        return Object.assign(Object.create(use) as IUse<T>, { subscribe });
      }
    }
    const { unmount } = setup(undefined, events => new Counted(events));
    expect(listeners).toBe(1);
    unmount();
    expect(listeners).toBe(0);
  });
});
