import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IJob, ILogHits } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { JobLog } from '../log';
import { LogSearchBox, stepped, useLogSearch } from '../search';

const JOB = { id: '7f3a', ref: 'job:7f3a', name: 'train', state: 'succeeded' } as IJob;
const LINES = Array.from(
  { length: 120 },
  (_, number) => `epoch ${number + 1} ${number % 2 ? 'Loss' : 'rest'}\n`
);
const TEXT = LINES.join('');

/** A server with a log of 120 lines, of which every other holds the word; it gives 50 at a time. */
function server(): { asked: string[]; jobs: object } {
  const asked: string[] = [];
  const hits = LINES.map((line, index) => ({
    line: index + 1,
    offset: LINES.slice(0, index).join('').length,
    text: line
  }));
  const searchLog = async (
    _: string,
    { text, cursor }: { text: string; cursor: string }
  ): Promise<ILogHits> => {
    asked.push(`${text} ${cursor}`);
    const found = hits.filter(hit => hit.text.toLowerCase().includes(text.toLowerCase()));
    const start = Number(cursor || 0);
    const items = found.slice(start, start + 50);
    const end = start + items.length;
    return {
      items,
      shown: items.length,
      total: found.length,
      more: false,
      cursor: end < found.length ? `${end}` : null
    };
  };
  const log = async (
    _: string,
    { offset, limit }: { offset: number; limit: number }
  ): Promise<object> => {
    const text = TEXT.slice(offset, offset + limit);
    return { text, offset, next: offset + text.length, size: TEXT.length, ended: true };
  };
  return { asked, jobs: { searchLog, log } };
}

function Page(): React.ReactElement {
  const search = useLogSearch(JOB);
  return (
    <>
      <LogSearchBox search={search} />
      <JobLog job={JOB} hit={search.hit} words={search.settled} follow onFollow={() => undefined} />
    </>
  );
}

const pass = async (milliseconds = 300): Promise<void> => {
  for (const step of [0, milliseconds, 0, 0]) {
    await act(async () => {
      await jest.advanceTimersByTimeAsync(step);
    });
  }
};

const box = (): HTMLInputElement => screen.getByLabelText('Search the whole log');
const shownText = (): string | null => screen.getByRole('status').textContent;
const line = (): string | undefined =>
  document.querySelector<HTMLElement>('[aria-current="location"]')?.dataset.line;

beforeEach(() => {
  jest.useFakeTimers();
  Element.prototype.scrollIntoView = jest.fn();
});
afterEach(() => jest.useRealTimers());

describe('the search in a log', () => {
  it('goes through the hits of all pages with Enter, and back with Shift', async () => {
    const { asked, jobs } = server();
    show(fakeWorkbench({ jobs }), <Page />);
    fireEvent.change(box(), { target: { value: 'loss' } });
    await pass();
    expect([shownText(), line()]).toEqual(['1 of 60', '2']);
    expect(document.querySelector('mark')?.textContent).toBe('Loss');
    expect(screen.getByRole('log').textContent).toContain(
      'epoch 1 rest\nepoch 2 Loss\nepoch 3 rest\n'
    );
    const input = box();
    for (let times = 0; times < 50; times++) {
      fireEvent.keyDown(input, { key: 'Enter' });
    }
    await pass();
    expect([shownText(), line()]).toEqual(['51 of 60', '102']);
    expect(asked).toEqual(['loss ', 'loss 50']);
    fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
    await pass();
    expect([shownText(), line()]).toEqual(['50 of 60', '100']);
  });

  it('says when nothing is found, and goes back to the end with Escape', async () => {
    const { jobs } = server();
    show(fakeWorkbench({ jobs }), <Page />);
    fireEvent.change(box(), { target: { value: 'nowhere' } });
    await pass();
    expect([shownText(), line()]).toEqual(['nothing found', undefined]);
    fireEvent.change(box(), { target: { value: 'loss' } });
    await pass();
    expect(line()).toBe('2');
    fireEvent.keyDown(box(), { key: 'Escape' });
    await pass();
    expect([box().value, shownText(), line()]).toEqual(['', '', undefined]);
    expect(screen.getByRole('log').textContent).toBe(TEXT);
  });

  it('goes on from a page without hits of a long log, and from the last hit to the first', () => {
    const place = { words: 'x', cursors: [''], index: 0 };
    expect(stepped(place, { items: [], cursor: '9.9.0' }, true)).toEqual({
      words: 'x',
      cursors: ['', '9.9.0'],
      index: 0
    });
    const last = { words: 'x', cursors: ['', 'c'], index: 0 };
    expect(
      stepped(last, { items: [{ line: 1, offset: 0, text: '' }], cursor: null }, true)
    ).toEqual(place);
    expect(stepped(place, { items: [], cursor: null }, false)).toEqual(place);
  });
});
