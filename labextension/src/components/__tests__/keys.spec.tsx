import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import { CodeDrawer } from '../drawer';
import { keysIn, usePageKey } from '../frame';
import { KeyHelp } from '../keyhelp';
import { List } from '../list';
import { Pinned, Recent } from '../shelf';
import { fakeWorkbench, show } from './workbench';

/** What was kept has been read. */
const settle = async (): Promise<void> => {
  await act(async () => {
    await Promise.resolve();
  });
};

function Page({ run, when = true }: { run: () => void; when?: boolean }): React.ReactElement {
  usePageKey('e', 'exact profile', run, when);
  return (
    <>
      <input aria-label="words" />
      <button type="button">here</button>
    </>
  );
}

describe('keys of a page', () => {
  it('work anywhere on the page, but not while someone types or holds Ctrl', () => {
    const run = jest.fn();
    show(fakeWorkbench(), <Page run={run} />);
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'e' });
    expect(run).toHaveBeenCalledTimes(1);
    fireEvent.keyDown(screen.getByLabelText('words'), { key: 'e' });
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'e', ctrlKey: true });
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('work when the focus is on the widget around the page', () => {
    const run = jest.fn();
    const { container } = show(fakeWorkbench(), <Page run={run} />);
    keysIn(container)?.press(new KeyboardEvent('keydown', { key: 'e' }));
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('do nothing while they have nothing to do', () => {
    const run = jest.fn();
    show(fakeWorkbench(), <Page run={run} when={false} />);
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'e' });
    expect(run).not.toHaveBeenCalled();
  });

  it('leave the keys of the code drawer alone', () => {
    const fake = fakeWorkbench();
    show(
      fake,
      <>
        <Page run={jest.fn()} />
        <CodeDrawer code={{ python: 'ml.job("7")' }} />
      </>
    );
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'c' });
    expect(fake.code.copy).toHaveBeenCalledWith('ml.job("7")');
  });

  it('are told by the help: those of the page, of lists, and the chords as they are set now', () => {
    const { workbench } = fakeWorkbench();
    workbench.commands.addCommand('mlinfra:jobs-show', {
      label: 'Show Jobs',
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => undefined
    });
    workbench.commands.addKeyBinding({ command: 'mlinfra:jobs-show', keys: ['Alt M', 'J'], selector: 'body' });
    render(<KeyHelp workbench={workbench} page={[{ key: 'e', label: 'exact profile', run: () => undefined }]} />);
    expect(screen.getByRole('region', { name: 'This page' }).textContent).toContain('eexact profile');
    expect(screen.getByRole('region', { name: 'Lists and tables' }).textContent).toContain('iinsert code');
    expect(screen.getByRole('region', { name: 'Everywhere' }).textContent).toContain('Show Jobs');
  });
});

describe('what is kept at hand', () => {
  const rows = [{ id: 'dataset:n.a', ref: 'dataset:n.a', name: 'a' }];

  it('is pinned and taken away with p, and comes back after a reload', async () => {
    const fake = fakeWorkbench();
    show(
      fake,
      <>
        <Pinned name="catalog:favourites" title="Favourites" kinds={['dataset']} empty="Nothing is pinned." />
        <List label="Datasets" rows={rows} />
      </>
    );
    await settle();
    expect(screen.getByText('Nothing is pinned.')).toBeTruthy();
    const row = screen.getByRole('treeitem', { name: 'a' });
    act(() => row.focus());
    fireEvent.keyDown(row, { key: 'p' });
    expect(screen.getByRole('tree', { name: 'Favourites' }).textContent).toContain('n.a');
    expect(fake.kept.get('pins')).toEqual(['dataset:n.a']);
    fireEvent.keyDown(row, { key: 'p' });
    expect(screen.getByText('Nothing is pinned.')).toBeTruthy();
  });

  it('holds the pages opened last, newest first, each once', async () => {
    const fake = fakeWorkbench();
    show(fake, <Recent name="catalog:recent" kinds={['dataset']} />);
    await settle();
    expect(screen.queryByRole('tree')).toBeNull();
    act(() => ['dataset:n.a', 'job:1', 'dataset:n.b', 'dataset:n.a'].forEach(fake.workbench.shelf.visit));
    const names = screen.getAllByRole('treeitem').map(row => row.dataset.mlinfraRef);
    expect(names).toEqual(['dataset:n.a', 'dataset:n.b']);
  });
});
