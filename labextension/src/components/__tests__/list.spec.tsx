import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import React, { useState } from 'react';

import { Arrivals, PageContext } from '../../hooks/page';
import { rove } from '../keyboard';
import { List, type IListRow } from '../list';
import { targetRows, parentOf } from '../rows';
import { Table } from '../table';
import { fakeWorkbench, framed, show, madeUp } from './workbench';

const ROWS: IListRow[] = [
  { id: 'ns', name: 'flights', open: true },
  {
    id: 'dataset:flights.a',
    ref: 'dataset:flights.a',
    pinned: 'dataset:flights.a@7',
    name: 'a',
    level: 1,
    open: false
  },
  { id: 'dataset:flights.b', ref: 'dataset:flights.b', name: 'b', level: 1, open: false }
];

const item = (name: string): HTMLElement =>
  screen.getByRole('treeitem', { name: new RegExp(name) });
const press = (key: string, more: object = {}): void => {
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...more });
};

describe('a list', () => {
  it('has one tab stop, and arrows move the focus', () => {
    show(fakeWorkbench(), <List label="Datasets" rows={ROWS} />);
    const stops = screen.getAllByRole('treeitem').filter(row => row.tabIndex === 0);
    expect(stops).toHaveLength(1);
    act(() => item('flights').focus());
    press('ArrowDown');
    expect(document.activeElement).toBe(item('^a'));
    press('End');
    expect(document.activeElement).toBe(item('^b'));
    expect(screen.getAllByRole('treeitem').filter(row => row.tabIndex === 0)).toEqual([item('^b')]);
  });

  it('opens the page of a row by Enter and by click', () => {
    const fake = fakeWorkbench();
    show(fake, <List label="Datasets" rows={ROWS} />);
    act(() => item('^a').focus());
    press('Enter');
    fireEvent.click(item('^b'));
    expect(fake.open.mock.calls).toEqual([['dataset:flights.a'], ['dataset:flights.b']]);
  });

  it('unfolds with right, folds with left, and left on a leaf goes to its parent', () => {
    const onToggle = jest.fn();
    show(fakeWorkbench(), <List label="Datasets" rows={ROWS} onToggle={onToggle} />);
    act(() => item('^a').focus());
    press('ArrowRight');
    expect(onToggle).toHaveBeenCalledWith('dataset:flights.a');
    press('ArrowLeft');
    expect(document.activeElement).toBe(item('flights'));
    press('ArrowLeft');
    expect(onToggle).toHaveBeenLastCalledWith('ns');
  });

  it('inserts, copies and names what is meant', async () => {
    const fake = fakeWorkbench();
    show(fake, <List label="Datasets" rows={ROWS} />);
    act(() => item('^a').focus());
    press('i');
    await waitFor(() =>
      expect(fake.code.insertBelow).toHaveBeenCalledWith(madeUp(['dataset:flights.a']), 'python')
    );
    press('I', { shiftKey: true });
    await waitFor(() =>
      expect(fake.code.insertAtCursor).toHaveBeenCalledWith(madeUp(['dataset:flights.a']), 'python')
    );
    press('c');
    await waitFor(() => expect(fake.code.copy).toHaveBeenCalledWith(madeUp(['dataset:flights.a'])));
    press('r');
    await waitFor(() => expect(fake.code.copy).toHaveBeenLastCalledWith('dataset:flights.a'));
  });

  it('selects with Space, and then means the selection', async () => {
    const fake = fakeWorkbench();
    show(fake, <List label="Datasets" rows={ROWS} />);
    act(() => item('^a').focus());
    press(' ');
    press('ArrowDown', { shiftKey: true });
    expect(item('^a').getAttribute('aria-selected')).toBe('true');
    press('r');
    await waitFor(() =>
      expect(fake.code.copy).toHaveBeenCalledWith('dataset:flights.a\ndataset:flights.b')
    );
  });

  it('gives the focus back with Escape, after the selection is empty', () => {
    const fake = fakeWorkbench();
    show(fake, <List label="Datasets" rows={ROWS} />);
    act(() => item('^a').focus());
    press(' ');
    press('Escape');
    expect(fake.code.focusNotebook).not.toHaveBeenCalled();
    press('Escape');
    expect(fake.code.focusNotebook).toHaveBeenCalledTimes(1);
  });

  it('gives the focus back with Escape, and leaves alone a selection that is kept elsewhere', () => {
    const fake = fakeWorkbench();
    const onSelect = jest.fn();
    const basket = new Set(['feature:v:a']);
    show(fake, <List label="Datasets" rows={ROWS} selection={basket} onSelect={onSelect} />);
    act(() => item('^a').focus());
    press('Escape');
    expect(onSelect).not.toHaveBeenCalled();
    expect(fake.code.focusNotebook).toHaveBeenCalledTimes(1);
  });

  it('leaves keys that are held with Ctrl or Alt to JupyterLab', () => {
    const fake = fakeWorkbench();
    show(fake, <List label="Datasets" rows={ROWS} />);
    act(() => item('^a').focus());
    press('c', { ctrlKey: true });
    press('i', { altKey: true });
    expect(fake.code.copy).not.toHaveBeenCalled();
    expect(fake.code.insertBelow).not.toHaveBeenCalled();
  });

  it('shows a hostile name as text', () => {
    const name = '<img src=x onerror="alert(1)">';
    const { container } = show(fakeWorkbench(), <List label="x" rows={[{ id: '1', name }]} />);
    expect(container.querySelector('img')).toBeNull();
    expect(screen.getByText(name)).toBeTruthy();
  });
});

describe('rows', () => {
  it('mean themselves unless they are part of the selection', () => {
    expect(targetRows({ rows: ROWS, index: 1, selection: new Set(['dataset:flights.b']) })).toEqual(
      [ROWS[1]]
    );
    expect(
      targetRows({
        rows: ROWS,
        index: 2,
        selection: new Set(['dataset:flights.a', 'dataset:flights.b'])
      })
    ).toEqual([ROWS[1], ROWS[2]]);
  });

  it('know the row around them', () => {
    expect(parentOf(ROWS, 2)).toBe(0);
    expect(parentOf(ROWS, 0)).toBe(0);
  });

  it.each([
    ['ArrowUp', 0, 0],
    ['ArrowDown', 4, 4],
    ['Home', 3, 0],
    ['PageDown', 1, 4],
    ['x', 1, null]
  ])('%s from %i goes to %p', (key, from, to) => {
    expect(rove(key, from, 5)).toBe(to);
  });
});

interface IPart {
  name: string;
  size: number | null;
}

function Parts(): React.ReactElement {
  const [picked, pick] = useState<ReadonlySet<string>>(new Set());
  const rows: IPart[] = [
    { name: 'b', size: 10 },
    { name: 'a', size: null },
    { name: 'c', size: 9 }
  ];
  return (
    <>
      <output>{[...picked].join()}</output>
      <Table
        label="Parts"
        columns={[
          { key: 'name', head: 'name', cell: row => row.name, sort: row => row.name },
          { key: 'size', head: 'size', cell: row => row.size, sort: row => row.size }
        ]}
        rows={rows}
        row={row => ({ id: row.name })}
        checks="Pick"
        selection={picked}
        onSelect={pick}
      />
    </>
  );
}

describe('a table', () => {
  const names = (): string[] =>
    screen
      .getAllByRole('row')
      .slice(1)
      .map(row => row.children[1]?.textContent ?? '');

  it('sorts by a column, numbers as numbers, what is missing last in either order, and says so', () => {
    show(fakeWorkbench(), <Parts />);
    fireEvent.click(screen.getByRole('button', { name: 'size' }));
    expect(names()).toEqual(['b', 'c', 'a']);
    expect(screen.getByRole('columnheader', { name: 'size' }).getAttribute('aria-sort')).toBe(
      'descending'
    );
    fireEvent.click(screen.getByRole('button', { name: 'size' }));
    expect(names()).toEqual(['c', 'b', 'a']);
  });

  it('picks by checkbox and by Space alike', () => {
    show(fakeWorkbench(), <Parts />);
    fireEvent.click(screen.getAllByRole('checkbox', { name: 'Pick' })[0]!);
    act(() => screen.getAllByRole('row')[3]!.focus());
    press(' ');
    expect(screen.getByRole('status').textContent).toBe('b,c');
  });
});

describe('the code of a row', () => {
  it('is asked for while one looks at the row, not where the pointer only passes', () => {
    jest.useFakeTimers();
    const code = jest.fn(async () => ({ python: '' }));
    show(fakeWorkbench({ code }), <List label="Datasets" rows={ROWS} />);
    fireEvent.mouseEnter(item('^a'));
    jest.advanceTimersByTime(40);
    fireEvent.mouseLeave(item('^a'));
    jest.advanceTimersByTime(1_000);
    expect(code).not.toHaveBeenCalled();
    fireEvent.mouseEnter(item('^b'));
    jest.advanceTimersByTime(1_000);
    expect(code).toHaveBeenCalledTimes(1);
    jest.useRealTimers();
  });
});

describe('arrows at the end of a section', () => {
  const row = (name: string): IListRow => ({ id: name, ref: `dataset:n.${name}`, name });

  it('go on in the next one, and back; above the first row is the search box', () => {
    const rows = [[row('a'), row('b')], [row('c')]];
    show(
      fakeWorkbench(),
      <>
        <input type="search" />
        {rows.map((part, index) => (
          <List key={index} label={`part ${index}`} rows={part} />
        ))}
      </>
    );
    act(() => item('^b').focus());
    press('ArrowDown');
    expect(document.activeElement).toBe(item('^c'));
    press('ArrowDown');
    expect(document.activeElement).toBe(item('^c'));
    press('ArrowUp');
    expect(document.activeElement).toBe(item('^b'));
    press('ArrowUp');
    press('ArrowUp');
    expect(document.activeElement).toBe(screen.getByRole('searchbox'));
  });
});

describe('a row that was asked for', () => {
  const rows = ['a', 'b', 'c'].map((name): IListRow => ({
    id: name,
    ref: `dataset:n.${name}`,
    name
  }));

  /** A list in a page that is asked for its row `c`; each `key` is another drawing of the list. */
  function asked(): {
    arrivals: Arrivals;
    list: (turn: number, key?: string) => React.ReactElement;
  } {
    const fake = fakeWorkbench();
    const page = document.body.appendChild(document.createElement('div'));
    const arrivals = new Arrivals(page);
    const { arrive } = arrivals;
    const list = (turn: number, key = 'first'): React.ReactElement =>
      framed(
        fake,
        <PageContext.Provider value={{ target: 'c', turn, arrive, close: () => undefined }}>
          <List key={key} label="l" rows={rows} goal={{ id: 'c', turn }} />
        </PageContext.Provider>
      );
    return { arrivals, list };
  }

  it('is selected, in sight and has the focus, once for each time', () => {
    const seen = (Element.prototype.scrollIntoView = jest.fn());
    const { arrivals, list } = asked();
    arrivals.ask(1);
    const { rerender } = render(list(1));
    expect(document.activeElement).toBe(item('^c'));
    expect(item('^c').getAttribute('aria-selected')).toBe('true');
    expect(seen).toHaveBeenCalledTimes(1);
    act(() => item('^a').focus());
    rerender(list(1));
    expect(document.activeElement).toBe(item('^a'));
    arrivals.ask(2);
    rerender(list(2));
    expect(document.activeElement).toBe(item('^c'));
    act(() => item('^c').blur());
    rerender(list(2, 'drawn again'));
    expect(document.activeElement).toBe(document.body);
  });

  it('is gone to when it is drawn, not when what was asked for before is drawn once more', () => {
    Element.prototype.scrollIntoView = jest.fn();
    const { arrivals, list } = asked();
    arrivals.ask(1);
    const { rerender } = render(list(1));
    act(() => item('^a').focus());
    arrivals.ask(2);
    rerender(list(1)); // the page comes into sight
    expect(document.activeElement).toBe(item('^a'));
    rerender(list(2));
    expect(document.activeElement).toBe(item('^c'));
  });

  it('leaves the focus where its user has gone meanwhile', () => {
    const seen = (Element.prototype.scrollIntoView = jest.fn());
    const { arrivals, list } = asked();
    arrivals.ask(1);
    const notebook = document.body.appendChild(document.createElement('textarea'));
    notebook.focus();
    render(list(1));
    expect(document.activeElement).toBe(notebook);
    expect(item('^c').getAttribute('aria-selected')).toBe('true');
    expect(seen).toHaveBeenCalledTimes(1);
    notebook.remove();
  });

  it('is opened by a click and kept by the second one', () => {
    const fake = fakeWorkbench();
    show(fake, <List label="l" rows={rows} />);
    fireEvent.doubleClick(item('^b'));
    expect(fake.keep).toHaveBeenCalledWith('dataset:n.b');
  });
});
