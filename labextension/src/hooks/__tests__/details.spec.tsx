import { act, render, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, framed, type IFake } from '../../components/__tests__/workbench';
import { unfolded, useDetails } from '../details';
import { RefreshContext } from '../refresh';

interface IAsked {
  answer: (text: string) => void;
  fail: () => void;
}

interface IGiven {
  rows?: number;
  at?: number;
  turn?: number;
}

interface ISetup {
  fake: IFake;
  asked: IAsked[];
  ask: (given: IGiven) => void;
  said: () => string | null;
}

function setup(moves?: (data: string) => boolean): ISetup {
  const asked: IAsked[] = [];
  const fetch = (): Promise<string> =>
    new Promise((resolve, reject) => asked.push({ answer: resolve, fail: () => reject(new Error('down')) }));
  const open = new Set(['view:a']);
  function Probe({ rows = 1, at = 1 }: IGiven): React.ReactElement {
    const items = [
      { ref: 'view:a', name: 'a', rows },
      { ref: 'view:b', name: 'b', rows }
    ];
    const detail = useDetails(unfolded(items, open), fetch, { at, moves, topics: ['view'] }).get('a');
    return <p role="note">{detail?.data ?? detail?.error?.what ?? 'nothing'}</p>;
  }
  const fake = fakeWorkbench();
  const drawn = ({ turn = 0, ...given }: IGiven): React.ReactElement =>
    framed(
      fake,
      <RefreshContext.Provider value={turn}>
        <Probe {...given} />
      </RefreshContext.Provider>
    );
  const { rerender } = render(drawn({}));
  return {
    fake,
    asked,
    ask: given => rerender(drawn(given)),
    said: () => screen.getByRole('note').textContent
  };
}

describe('details', () => {
  it('are asked for once, however often the list is', async () => {
    const { asked, ask, said } = setup();
    await act(async () => asked[0]?.answer('there'));
    ask({ at: 2 });
    ask({ at: 3 });
    expect(asked.length).toBe(1);
    expect(said()).toBe('there');
  });

  it('are asked for again when the list shows another row, at a refresh, and at news of the row', async () => {
    const { fake, asked, ask } = setup();
    await act(async () => asked[0]?.answer('there'));
    ask({ rows: 2 });
    expect(asked.length).toBe(2);
    ask({ rows: 2, turn: 1 });
    expect(asked.length).toBe(3);
    await act(async () => fake.emit({ topic: 'view', ref: 'view:b', data: {} }));
    expect(asked.length).toBe(3);
    await act(async () => fake.emit({ topic: 'view', ref: 'view:a', data: {} }));
    expect(asked.length).toBe(4);
  });

  it('that change without the list showing it are asked for with the list', async () => {
    const { asked, ask } = setup(text => text === 'running');
    await act(async () => asked[0]?.answer('running'));
    expect(asked.length).toBe(1);
    ask({ at: 2 });
    await act(async () => asked[1]?.answer('ended'));
    ask({ at: 3 });
    expect(asked.length).toBe(2);
  });

  it('keep the newer answer when the older one comes late', async () => {
    const { asked, ask, said } = setup();
    ask({ rows: 2 });
    await act(async () => asked[1]?.answer('new'));
    await act(async () => asked[0]?.answer('old'));
    expect(said()).toBe('new');
  });

  it('are asked for again after an error, with the next answer of the list', async () => {
    const { asked, ask, said } = setup();
    await act(async () => asked[0]?.fail());
    expect(said()).toBe('down');
    expect(asked.length).toBe(1);
    ask({ at: 2 });
    await act(async () => asked[1]?.answer('there'));
    expect(said()).toBe('there');
  });
});
