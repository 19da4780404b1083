import type { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';

import { added } from '../../__tests__/kinds';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { PageWidget } from '../page';
import { workbench as plugin } from '../plugin';

// it asks for more of a browser than jsdom has
jest.mock('@jupyterlab/notebook', () => ({ INotebookTracker: null }));

// kinds of their own, with pages that draw nothing
added.forEach(kind => kind.dispose());

const KEEP = 'mlinfra:workbench-keep';

it('a tab is kept from its context menu, and the page in front from the palette', async () => {
  const commands = new CommandRegistry();
  const pages: PageWidget[] = [];
  const shell = {
    add: (page: PageWidget) => pages.push(page),
    activateById: (id: string) =>
      (shell.currentWidget = pages.find(page => page.id === id) ?? null),
    currentWidget: null as PageWidget | null
  };
  const clicked = document.createElement('li');
  clicked.dataset.mlinfraPage = 'run:1';
  const contextMenuHitTest = (test: (node: HTMLElement) => boolean): HTMLElement | undefined =>
    [clicked].find(test);
  const app = { commands, shell, contextMenuHitTest } as unknown as JupyterFrontEnd;
  const made = await plugin.activate(app, fakeWorkbench().workbench, null, null, null, null, null);
  const body = async (): Promise<{ default: () => null }> => ({ default: () => null });
  for (const kind of ['run', 'dataset']) {
    const words = { label: kind, caption: kind, title: (name: string) => name };
    const page = { command: `mlinfra:${kind}-open`, body, ...words };
    made.addKind({ kind, icon: 'play', label: kind, plural: kind, page });
  }
  await made.open('run:1');
  await made.open('dataset:a.b');
  const previews = (): string[] => pages.filter(page => page.isPreview).map(page => page.reference);
  await commands.execute(KEEP, { tab: true });
  expect(previews()).toEqual(['dataset:a.b']);
  expect(commands.isEnabled(KEEP)).toBe(true);
  await commands.execute(KEEP);
  expect(previews()).toEqual([]);
  expect(commands.isEnabled(KEEP)).toBe(false);
});
