import { Widget } from '@lumino/widgets';
import { act } from '@testing-library/react';
import React from 'react';

import { shortcuts } from '../../__tests__/schemas';
import { fakeWorkbench, type IFake } from '../../components/__tests__/workbench';
import { type IPagedKind, PageWidget } from '../page';
import { fetchDrawing } from '../widget';

const CANCEL = 'mlinfra:jobs-cancel';
const job = (id: string): object => ({
  ref: `job:${id}`,
  id,
  name: id,
  state: 'queued',
  array: null,
  labels: {},
  elapsed_seconds: null
});

interface IScene extends IFake {
  cancelled: jest.Mock;
  find: (selector: string) => HTMLElement;
  /** Press a key where it is bound in JupyterLab; says whether a command took it. */
  press: (key: string, node: HTMLElement) => Promise<boolean>;
}

/** The page of job A in front, and a panel with a list of job B. */
function scene(): IScene {
  document.body.innerHTML = `
    <div id="left" class="jp-mlinfra-widget"><div data-mlinfra-frame="panel">
      <h3 tabindex="0">Catalog</h3>
      <p data-mlinfra-ref="job:B" tabindex="0"></p>
    </div></div>
    <div id="jp-main-dock-panel"><div id="page" class="jp-mlinfra-page-widget" data-mlinfra-page="job:A">
      <div id="content" class="jp-mlinfra-widget" tabindex="0"><div data-mlinfra-frame="page"></div></div>
    </div></div>`;
  const find = (selector: string): HTMLElement => document.querySelector<HTMLElement>(selector)!;
  const cancelled = jest.fn(async (id: string) => ({ ...job(id), state: 'cancelled' }));
  const fake = fakeWorkbench(
    { jobs: { cancel: cancelled, show: async (id: string) => job(id) } },
    { currentWidget: { node: find('#page') } }
  );
  fake.workbench.seen.note('job:A', job('A'));
  fake.workbench.seen.note('job:B', job('B'));
  return { ...fake, cancelled, find, press: (key, node) => press(fake, key, node) };
}

async function press({ workbench }: IFake, key: string, node: HTMLElement): Promise<boolean> {
  node.focus();
  const byKey = { _luminoEvent: { type: 'keybinding', keys: [key] } };
  const found = shortcuts().find(
    ({ command, keys, selector }) =>
      keys.join(' ') === key &&
      node.closest(selector) !== null &&
      workbench.commands.isEnabled(command, byKey)
  );
  await (found && workbench.commands.execute(found.command, byKey));
  return found !== undefined;
}

it.each(['Delete', 'P', 'R', 'C', 'I'])(
  'the key %s on a title in a panel leaves the page in front alone',
  async key => {
    const { press, find, cancelled, code, workbench } = scene();
    expect(await press(key, find('h3'))).toBe(false);
    expect(cancelled).not.toHaveBeenCalled();
    expect(code.copy).not.toHaveBeenCalled();
    expect(code.insertBelow).not.toHaveBeenCalled();
    expect(workbench.shelf.pinned).toEqual([]);
    // the palette and the menus may mean it
    expect(workbench.commands.isEnabled(CANCEL)).toBe(true);
  }
);

it('Delete on a row means the row', async () => {
  const { press, find, cancelled } = scene();
  expect(await press('Delete', find('p'))).toBe(true);
  expect(cancelled.mock.calls).toEqual([['B']]);
});

it('a context menu means its row when the list changes while it is open', async () => {
  const { find, cancelled, workbench } = scene();
  const row = find('p');
  row.focus();
  row.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true }));
  row.remove();
  await workbench.commands.execute('mlinfra:workbench-delete');
  expect(cancelled.mock.calls).toEqual([['B']]);
});

it('a row that is gone is not replaced by the page in front, until that is used', () => {
  const { find, workbench } = scene();
  const row = find('p');
  row.focus();
  row.remove();
  expect(workbench.commands.isEnabled(CANCEL)).toBe(false);
  find('#content').focus();
  expect(workbench.pointer.refs()).toEqual(['job:A']);
});

it('a row whose list was drawn anew is still meant', () => {
  const { find, workbench } = scene();
  const row = find('p');
  row.focus();
  const list = row.parentElement!;
  list.innerHTML = '<p data-mlinfra-ref="job:C"></p><p data-mlinfra-ref="job:B"></p>';
  expect(workbench.pointer.refs()).toEqual(['job:B', 'job:A']);
  expect(workbench.pointer.node).toBe(list.lastElementChild);
  list.lastElementChild!.remove();
  expect(workbench.pointer.refs()).toEqual([]);
});

const listOf = (label: string, ...refs: string[]): string => {
  const rows = refs.map(ref => `<p data-mlinfra-ref="${ref}" tabindex="0"></p>`);
  return `<div role="tree" aria-label="${label}">${rows.join('')}</div>`;
};

it.each([
  ['the pin', 'Favourites', 'Namespaces'],
  ['the dataset', 'Namespaces', 'Favourites']
])('%s that is gone is not replaced by the same object in another list', (_, own, other) => {
  const { find, workbench } = scene();
  const panel = find('[data-mlinfra-frame="panel"]');
  const both = listOf('Favourites', 'job:B') + listOf('Namespaces', 'job:B');
  const lists = [`[aria-label="${own}"]`, `[aria-label="${other}"]`] as const;
  // the list stays without the row, and the list goes with it
  for (const remove of [`${lists[0]} p`, lists[0]]) {
    panel.innerHTML = both;
    find(`${lists[0]} p`).focus();
    find(remove).remove();
    expect(workbench.pointer.refs()).toEqual([]);
    expect(workbench.pointer.node).toBeNull();
  }
});

it.each(['Favourites', 'Namespaces'])(
  'a row of %s is found again in that list, drawn anew as a whole or row by row',
  own => {
    const { find, workbench } = scene();
    const panel = find('[data-mlinfra-frame="panel"]');
    const both = listOf('Favourites', 'job:B') + listOf('Namespaces', 'job:B');
    panel.innerHTML = both;
    find(`[aria-label="${own}"] p`).focus();
    find(`[aria-label="${own}"]`).innerHTML = '<p data-mlinfra-ref="job:B"></p>';
    expect(workbench.pointer.node).toBe(find(`[aria-label="${own}"] p`));
    expect(workbench.pointer.refs()).toEqual(['job:B', 'job:A']);
    panel.innerHTML = both;
    expect(workbench.pointer.node).toBe(find(`[aria-label="${own}"] p`));
    expect(workbench.pointer.refs()).toEqual(['job:B', 'job:A']);
  }
);

it('a row in a panel that is closed is not meant', () => {
  const { find, workbench } = scene();
  find('p').focus();
  expect(workbench.pointer.refs()).toEqual(['job:B', 'job:A']);
  find('#left').classList.add('lm-mod-hidden'); // as Lumino hides a widget
  expect(workbench.pointer.refs()).toEqual(['job:A']);
});

it('the common keys work on a page that was just opened', async () => {
  const shell: { currentWidget?: PageWidget } = {};
  const fake = fakeWorkbench({}, shell);
  const { workbench, code } = fake;
  const body = async (): Promise<unknown> => ({ default: () => <h1>A</h1> });
  const spec = { icon: 'jobs', page: { title: (name: string) => name, body } };
  const page = new PageWidget(workbench, spec as unknown as IPagedKind, 'job:A');
  shell.currentWidget = page;
  await act(async () => {
    Widget.attach(page, document.body);
    await fetchDrawing();
    await page.content.renderPromise;
  });
  const node = page.content.node; // JupyterLab focuses it
  node.tabIndex = -1;
  expect(await press(fake, 'R', node)).toBe(true);
  expect(code.copy).toHaveBeenCalledWith('job:A');
  expect(await press(fake, 'P', node)).toBe(true);
  expect(workbench.shelf.pinned).toEqual(['job:A']);
  act(() => page.dispose());
});
