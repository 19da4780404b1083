import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { List } from '../list';
import { SearchBox, SearchResults, useSearch } from '../search';
import { fakeWorkbench, show } from './workbench';

function Panel(): React.ReactElement {
  const search = useSearch();
  return (
    <>
      <SearchBox search={search} placeholder="" />
      {search.settled ? (
        <SearchResults search={search} panel="catalog" all />
      ) : (
        <List label="Datasets" rows={[{ id: 'dataset:x.y', ref: 'dataset:x.y', name: 'x.y' }]} />
      )}
    </>
  );
}

/** A server that answers when it is told to. */
function slow(): { client: object; answer: (words: string, ref: string) => Promise<void> } {
  const waiting = new Map<string, (page: object) => void>();
  return {
    client: { search: (words: string) => new Promise(resolve => waiting.set(words, resolve)) },
    answer: (words, ref) =>
      act(async () => {
        waiting.get(words)?.({
          items: [{ ref, kind: 'dataset', name: ref, detail: '' }],
          shown: 1,
          total: 1,
          facets: {}
        });
        await Promise.resolve();
      })
  };
}

const pass = async (milliseconds: number): Promise<void> => {
  for (const step of [0, 0, milliseconds]) {
    await act(async () => {
      // each effect of the one before may begin something
      await jest.advanceTimersByTimeAsync(step);
    });
  }
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('arrow down in the search box', () => {
  it('waits for the results of the words that stand in it', async () => {
    const { client, answer } = slow();
    show(fakeWorkbench(client), <Panel />);
    const box = screen.getByRole('searchbox');
    box.focus();
    fireEvent.change(box, { target: { value: 'a' } });
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(box);
    await pass(150);
    await answer('a', 'dataset:n.a');
    expect(document.activeElement?.getAttribute('data-row')).toBe('dataset:n.a');
  });

  it('does not go to the results of fewer words, which stay until the new ones come', async () => {
    const { client, answer } = slow();
    show(fakeWorkbench(client), <Panel />);
    const box = screen.getByRole('searchbox');
    box.focus();
    fireEvent.change(box, { target: { value: 'a' } });
    await pass(150);
    await answer('a', 'dataset:n.a');
    fireEvent.change(box, { target: { value: 'ab' } });
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    await pass(150);
    expect(screen.getByRole('treeitem').dataset.row).toBe('dataset:n.a');
    expect(document.activeElement).toBe(box);
    await answer('ab', 'dataset:n.ab');
    expect(document.activeElement?.getAttribute('data-row')).toBe('dataset:n.ab');
  });

  it('is forgotten when the focus goes elsewhere meanwhile', async () => {
    const { client, answer } = slow();
    show(
      fakeWorkbench(client),
      <>
        <Panel />
        <button type="button">elsewhere</button>
      </>
    );
    const box = screen.getByRole('searchbox');
    box.focus();
    fireEvent.change(box, { target: { value: 'a' } });
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    act(() => screen.getByText('elsewhere').focus());
    await pass(150);
    await answer('a', 'dataset:n.a');
    expect(document.activeElement?.textContent).toBe('elsewhere');
  });

  it('goes to the list of the panel when there are no words', () => {
    show(fakeWorkbench(), <Panel />);
    const box = screen.getByRole('searchbox');
    box.focus();
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(document.activeElement?.getAttribute('data-row')).toBe('dataset:x.y');
  });
});

it('an array that is found is inserted as its table', async () => {
  const array = {
    ref: 'job:9c02',
    kind: 'job',
    name: 'sweep',
    detail: '',
    code: 'ml.job("9c02").table()'
  };
  const fake = fakeWorkbench({
    search: async () => ({ items: [array], shown: 1, total: 1, facets: {} })
  });
  show(fake, <Panel />);
  fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'sweep' } });
  await pass(150);
  fireEvent.keyDown(screen.getByRole('treeitem'), { key: 'i' });
  await pass(0); // what it does is fetched
  expect(fake.code.insertBelow).toHaveBeenCalledWith('ml.job("9c02").table()', 'python');
});

it('a text that is too long is not asked for: the box says so in words', async () => {
  jest.useFakeTimers();
  const search = jest.fn();
  show(fakeWorkbench({ search }), <Panel />);
  fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'x'.repeat(2_001) } });
  await pass(200);
  expect(screen.getByRole('status').textContent).toContain(
    'it has 2,001 characters, and 2,000 are read'
  );
  expect(search).not.toHaveBeenCalled();
  jest.useRealTimers();
});
