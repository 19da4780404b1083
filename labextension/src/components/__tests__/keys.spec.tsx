import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { shortcuts } from '../../__tests__/schemas';
import { CodeDrawer } from '../drawer';
import { usePageVerb } from '../frame';
import { KeyHelp } from '../keyhelp';
import { List } from '../list';
import { Name } from '../name';
import { Pinned, Recent } from '../shelf';
import { Table } from '../table';
import { fakeWorkbench, show } from './workbench';

/** What was kept has been read. */
const settle = async (): Promise<void> => {
  await act(async () => {
    await Promise.resolve();
  });
};

function Page({ run, when = true }: { run: () => void; when?: boolean }): React.ReactElement {
  usePageVerb('mlinfra:catalog-profile', run, when);
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
    fireEvent.keyDown(container.querySelector('[data-mlinfra-frame]')!, { key: 'e' });
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('do nothing while they have nothing to do', () => {
    const run = jest.fn();
    show(fakeWorkbench(), <Page run={run} when={false} />);
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'e' });
    expect(run).not.toHaveBeenCalled();
  });

  it('leave the keys of the code drawer alone', async () => {
    const fake = fakeWorkbench();
    show(
      fake,
      <>
        <Page run={jest.fn()} />
        <CodeDrawer code={{ python: 'ml.job("7")' }} />
      </>
    );
    fireEvent.keyDown(screen.getByRole('button', { name: 'here' }), { key: 'c' });
    await waitFor(() => expect(fake.code.copy).toHaveBeenCalledWith('ml.job("7")'));
  });

  it('are told by the help: those of the page, of lists, and the chords as they are set now', () => {
    const { workbench } = fakeWorkbench();
    workbench.commands.addCommand('mlinfra:jobs-show', {
      label: 'Show Jobs',
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => undefined
    });
    workbench.commands.addKeyBinding({
      command: 'mlinfra:jobs-show',
      keys: ['Alt M', 'J'],
      selector: 'body'
    });
    workbench.commands.addKeyBinding({
      command: 'mlinfra:catalog-profile',
      keys: ['E'],
      selector: '[data-mlinfra-keys="dataset"]'
    });
    const page = document.createElement('main');
    page.dataset.mlinfraKeys = 'dataset';
    render(<KeyHelp workbench={workbench} frame={page} />);
    expect(screen.getByRole('region', { name: 'This page' }).textContent).toBe(
      'This pageECompute the Exact Profile'
    );
    expect(screen.getByRole('region', { name: 'Lists and tables' }).textContent).toContain(
      'IInsert Code'
    );
    expect(screen.getByRole('region', { name: 'Everywhere' }).textContent).toContain('Show Jobs');
  });
});

it('the help of the queue tells the keys of its rows', () => {
  const { workbench } = fakeWorkbench();
  for (const { command, keys, selector } of shortcuts()) {
    if (command.startsWith('mlinfra:jobs-') && workbench.commands.hasCommand(command)) {
      workbench.commands.addKeyBinding({ command, keys, selector });
    }
  }
  document.body.innerHTML = '<main data-mlinfra-keys="job"><p></p></main>';
  render(<KeyHelp workbench={workbench} frame={document.querySelector('p')} />);
  const own = screen.getByRole('region', { name: 'This page' }).textContent;
  expect(own).toContain('Hold or Release Job');
  expect(own).toContain('Raise Priority of Job');
});

describe('what is kept at hand', () => {
  const rows = [{ id: 'dataset:n.a', ref: 'dataset:n.a', name: 'a' }];

  it('is pinned and taken away with p, and comes back after a reload', async () => {
    const fake = fakeWorkbench();
    show(
      fake,
      <>
        <Pinned
          name="catalog:favourites"
          title="Favourites"
          kinds={['dataset']}
          empty="Nothing is pinned."
        />
        <List label="Datasets" rows={rows} />
      </>
    );
    await settle();
    expect(screen.getByText('Nothing is pinned.')).toBeTruthy();
    const row = screen.getByRole('treeitem', { name: 'a' });
    act(() => row.focus());
    fireEvent.keyDown(row, { key: 'p' });
    expect((await screen.findByRole('tree', { name: 'Favourites' })).textContent).toContain('n.a');
    expect(fake.kept.get('pins')).toEqual(['dataset:n.a']);
    fireEvent.keyDown(row, { key: 'p' });
    expect(await screen.findByText('Nothing is pinned.')).toBeTruthy();
  });

  it('stays as someone has put it since when the undo of a pin comes late', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const { commands, shelf } = fakeWorkbench().workbench;
    await commands.execute('mlinfra:workbench-pin', { ref: 'dataset:n.a' });
    expect(shelf.pinned).toEqual(['dataset:n.a']);
    const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
    shelf.pin('dataset:n.a', false);
    undo?.callback(new MouseEvent('click'));
    expect(undo?.label).toBe('Undo');
    expect(shelf.pinned).toEqual([]);
    notified.mockRestore();
  });

  it('loses a pin by Delete, which can be undone, and its object stays as it is', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const cancel = jest.fn();
    const fake = fakeWorkbench({ jobs: { show: async () => ({ name: 'train' }), cancel } });
    const { shelf } = fake.workbench;
    shelf.pin('job:7', true);
    shelf.pin('job:8', true);
    show(fake, <Pinned name="jobs:pinned" title="Pinned" kinds={['job']} />);
    const row = (await screen.findAllByRole('treeitem'))[0]!;
    act(() => row.focus());
    fireEvent.keyDown(row, { key: 'Delete' });
    await waitFor(() => expect(shelf.pinned).toEqual(['job:8']));
    const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
    act(() => undo?.callback(new MouseEvent('click')));
    expect(shelf.pinned).toEqual(['job:7', 'job:8']);
    expect(cancel).not.toHaveBeenCalled();
    notified.mockRestore();
  });

  it('is back at its place by the undo of p, whatever was pinned since', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const { commands, shelf } = fakeWorkbench().workbench;
    ['job:1', 'job:2', 'job:3'].forEach(ref => shelf.pin(ref, true));
    await commands.execute('mlinfra:workbench-pin', { ref: 'job:2' });
    shelf.pin('job:4', true);
    notified.mock.calls[0]?.[1]?.actions?.[0]?.callback(new MouseEvent('click'));
    expect(shelf.pinned).toEqual(['job:1', 'job:2', 'job:3', 'job:4']);
    notified.mockRestore();
  });

  it('leaves the focus on the row after one that Delete took out, else before it, else the heading', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const fake = fakeWorkbench();
    ['dataset:n.a', 'dataset:n.b', 'dataset:n.c'].forEach(ref =>
      fake.workbench.shelf.pin(ref, true)
    );
    show(fake, <Pinned name="f" title="Favourites" kinds={['dataset']} empty="Nothing." />);
    const rows = await screen.findAllByRole('treeitem');
    act(() => rows[1]!.focus());
    const removed = async (): Promise<Element | null> => {
      const row = document.activeElement!;
      fireEvent.keyDown(row, { key: 'Delete' });
      await waitFor(() => expect(row.isConnected).toBe(false));
      return document.activeElement;
    };
    expect(await removed()).toBe(rows[2]);
    expect(await removed()).toBe(rows[0]);
    expect(await removed()).toBe(screen.getByRole('button', { name: 'Favourites' }));
    notified.mockRestore();
  });

  it('leaves the focus on the section above when its own goes with its last pin', async () => {
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const fake = fakeWorkbench();
    fake.workbench.shelf.visit('dataset:n.a');
    fake.workbench.shelf.pin('pipeline:p', true);
    show(
      fake,
      <>
        <Recent name="r" kinds={['dataset']} />
        <Pinned name="p" title="Pinned" kinds={['pipeline']} />
      </>
    );
    const pinned = await screen.findByRole('tree', { name: 'Pinned' });
    const row = pinned.querySelector<HTMLElement>('[data-row]')!;
    act(() => row.focus());
    fireEvent.keyDown(row, { key: 'Delete' });
    await waitFor(() =>
      expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Recent' }))
    );
    notified.mockRestore();
  });

  it('is called by the menu what Delete does to it: the object itself is not deleted', async () => {
    const fake = fakeWorkbench();
    const { commands, shelf } = fake.workbench;
    shelf.pin('dataset:n.b', true);
    show(
      fake,
      <>
        <Pinned name="f" title="Favourites" kinds={['dataset']} />
        <List label="Datasets" rows={rows} />
      </>
    );
    await screen.findByRole('tree', { name: 'Favourites' });
    const labels = ['b', 'a'].map(name => {
      fireEvent.contextMenu(screen.getByRole('treeitem', { name: new RegExp(`${name}\\b`) }));
      return commands.label('mlinfra:workbench-delete');
    });
    expect(labels).toEqual(['Remove from the List', 'Delete']);
  });

  it('holds the pages opened last, newest first, each once', async () => {
    const fake = fakeWorkbench();
    show(fake, <Recent name="catalog:recent" kinds={['dataset']} />);
    await settle();
    expect(screen.queryByRole('tree')).toBeNull();
    act(() =>
      ['dataset:n.a', 'job:1', 'dataset:n.b', 'dataset:n.a'].forEach(fake.workbench.shelf.visit)
    );
    const names = screen.getAllByRole('treeitem').map(row => row.dataset.mlinfraRef);
    expect(names).toEqual(['dataset:n.a', 'dataset:n.b']);
  });
});

it('a row of any table can be copied, also one that stands for no object', async () => {
  const fake = fakeWorkbench();
  const long = 'a name that is too long for its column';
  const columns = [
    { key: 'name', head: 'name', cell: (name: string) => <Name text={name} /> },
    { key: 'size', head: 'size', figure: () => 1234 }
  ];
  const row = (id: string): { id: string } => ({ id });
  show(fake, <Table label="things" columns={columns} rows={[long]} row={row} />);
  const drawn = document.querySelector<HTMLElement>('tbody tr')!;
  expect(drawn.closest('.jp-mlinfra-widget')).toBeTruthy(); // as the context menu asks
  act(() => drawn.focus());
  await act(async () => {
    await fake.workbench.commands.execute('mlinfra:workbench-copy-row');
  });
  expect(fake.code.copy.mock.calls).toEqual([[`${long}\t1,234`]]);
});

describe('the code strip', () => {
  const code = { python: 'ml.run("7")', cli: 'mlinfra runs show 7' };

  it('folds, stays folded on the next page, and opens with a tab of it; its keys work all the same', async () => {
    const fake = fakeWorkbench();
    const { unmount } = show(fake, <CodeDrawer code={code} />);
    await settle();
    const fold = (): HTMLElement => screen.getByRole('button', { name: 'Code' });
    expect(fold().getAttribute('aria-expanded')).toBe('true');
    fireEvent.click(fold());
    expect(document.getElementById(fold().getAttribute('aria-controls') ?? '')?.hidden).toBe(true);
    unmount();
    show(fake, <CodeDrawer code={code} />);
    await settle();
    expect(fold().getAttribute('aria-expanded')).toBe('false');
    fireEvent.keyDown(fold(), { key: 'c' });
    await waitFor(() => expect(fake.code.copy).toHaveBeenCalledWith('ml.run("7")'));
    fireEvent.click(screen.getByRole('button', { name: 'CLI' }));
    expect(fold().getAttribute('aria-expanded')).toBe('true');
  });
});
