import { act, render, screen } from '@testing-library/react';
import React from 'react';

import { useDetails } from '../details';

interface IAsked {
  answer: (text: string) => void;
  fail: () => void;
}

const NAMES = ['a'];

function setup(): { asked: IAsked[]; ask: (version: number) => void; said: () => string | null } {
  const asked: IAsked[] = [];
  const fetch = (): Promise<string> =>
    new Promise((resolve, reject) => asked.push({ answer: resolve, fail: () => reject(new Error('down')) }));
  function Probe({ version }: { version: number }): React.ReactElement {
    const detail = useDetails(NAMES, fetch, version).get('a');
    return <p role="note">{detail?.data ?? detail?.error?.what ?? 'nothing'}</p>;
  }
  const { rerender } = render(<Probe version={1} />);
  return {
    asked,
    ask: version => rerender(<Probe version={version} />),
    said: () => screen.getByRole('note').textContent
  };
}

describe('details', () => {
  it('keep the newer answer when the older one comes late', async () => {
    const { asked, ask, said } = setup();
    ask(2);
    await act(async () => asked[1]?.answer('new'));
    await act(async () => asked[0]?.answer('old'));
    expect(said()).toBe('new');
  });

  it('are asked for again after an error', async () => {
    const { asked, ask, said } = setup();
    await act(async () => asked[0]?.fail());
    expect(said()).toBe('down');
    ask(2);
    await act(async () => asked[1]?.answer('there'));
    expect(said()).toBe('there');
  });
});
