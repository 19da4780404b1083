import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Widget } from '@lumino/widgets';

import { added } from '../../__tests__/kinds';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { PageWidget } from '../page';
import { Workbench } from '../workbench';

// kinds of their own, with pages that draw nothing
added.forEach(kind => kind.dispose());
let undo: IDisposable[] = [];
afterEach(() => {
  undo.forEach(kind => kind.dispose());
  undo = [];
});

interface ISetup {
  made: Workbench;
  commands: CommandRegistry;
  shell: { add: jest.Mock; activateById: jest.Mock; currentWidget: Widget | null };
  /** How a page is written into the layout. */
  kept: (page: Partial<PageWidget>) => { ref: string; restored: boolean; preview: boolean };
  /** References of the open pages, with a mark on those that nobody kept. */
  tabs: () => string[];
}

function setup(area: 'main' | 'down' = 'main'): ISetup {
  const { workbench } = fakeWorkbench();
  const restore = jest.fn(async () => undefined);
  const pages: PageWidget[] = [];
  const shell: ISetup['shell'] = {
    add: jest.fn((page: PageWidget, _: string, options: { ref?: string }) => {
      const after = pages.findIndex(({ id }) => id === options.ref);
      pages.splice(after < 0 ? pages.length : after + 1, 0, page);
    }),
    activateById: jest.fn((id: string) => {
      shell.currentWidget = pages.find(page => page.id === id) ?? null;
    }),
    currentWidget: null
  };
  const app = { commands: new CommandRegistry(), shell };
  const made = new Workbench({
    app: app as unknown as JupyterFrontEnd,
    area,
    mlinfra: workbench,
    trans: nullTranslator.load('x'),
    code: workbench.code,
    memory: workbench.memory,
    palette: null,
    restorer: { restore } as unknown as ILayoutRestorer
  });
  const body = async (): Promise<{ default: () => null }> => ({ default: () => null });
  const words = { caption: 'Open', title: (name: string) => name, body };
  const addPage = (kind: string, command: string, kept = false): void =>
    void undo.push(
      made.addKind({
        kind,
        icon: 'play',
        label: kind,
        plural: kind,
        page: { command, label: 'Open', ...words, kept }
      })
    );
  addPage('run', 'mlinfra:runs-open');
  addPage('dataset', 'mlinfra:catalog-open');
  addPage('submit', 'mlinfra:jobs-submit', true);
  const [, options] = restore.mock.calls[0] as unknown as [unknown, { args: ISetup['kept'] }];
  const tabs = (): string[] =>
    pages
      .filter(page => !page.isDisposed)
      .map(page => page.reference + (page.isPreview ? '*' : ''));
  return { made, commands: app.commands, shell, kept: options.args, tabs };
}

it('a page that comes back after a reload is not opened anew: Recent keeps its order', async () => {
  const { made, commands, shell, kept } = setup();
  const args = kept({ reference: 'run:1', isPreview: false });
  expect(args.ref).toBe('run:1');
  await commands.execute('mlinfra:runs-open', { ...args });
  expect(shell.add).toHaveBeenCalledTimes(1);
  expect(made.shelf.recent).toEqual([]);
  await commands.execute('mlinfra:runs-open', { ref: 'run:2' });
  expect(made.shelf.recent.map(({ ref }) => ref)).toEqual(['run:2']);
});

it('a page stands below the notebook where the main area has but one place, and has a height', async () => {
  const { made, shell } = setup('down');
  await made.open('run:1');
  const [page, area] = shell.add.mock.calls[0] as [PageWidget, string];
  expect(area).toBe('down');
  expect(page.content.node.style.minHeight).toBe('40vh');
});

describe('pages of one kind', () => {
  it('share a tab until one is kept', async () => {
    const { made, tabs } = setup();
    await made.open('run:1');
    await made.open('dataset:a.b');
    await made.open('run:2');
    expect(tabs()).toEqual(['run:2*', 'dataset:a.b*']);
    made.keep('run:2');
    await made.open('run:3');
    await made.open('run:4');
    expect(tabs()).toEqual(['run:2', 'dataset:a.b*', 'run:4*']);
  });

  it('are kept by a double click that is faster than the page', async () => {
    const { made, tabs } = setup();
    const opening = made.open('run:1');
    made.keep('run:1');
    await opening;
    expect(tabs()).toEqual(['run:1']);
  });

  it('are one when two are opened at once', async () => {
    const { made, tabs } = setup();
    await Promise.all([made.open('run:1'), made.open('run:2')]);
    expect(tabs()).toEqual(['run:2*']);
  });

  it('stay when they are kept while the next one opens', async () => {
    const { made, tabs } = setup();
    await made.open('run:1');
    const opening = made.open('run:2');
    made.keep('run:1');
    await opening;
    expect(tabs()).toEqual(['run:1', 'run:2*']);
  });

  it('are shown again where they are, kept or not', async () => {
    const { made, tabs, shell } = setup();
    await made.open('run:1');
    made.keep('run:1');
    await made.open('run:2');
    await made.open('run:1');
    expect(tabs()).toEqual(['run:1', 'run:2*']);
    expect(shell.activateById).toHaveBeenLastCalledWith('jp-mlinfra-run:1');
  });

  it('are kept by a double click on the tab, and by typing into the page', async () => {
    const { made, tabs, shell } = setup();
    await made.open('run:1');
    document.body.innerHTML =
      '<ul class="lm-TabBar"><li class="lm-TabBar-tab" data-mlinfra-page="run:1">1</li></ul>';
    document.querySelector('li')?.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
    expect(tabs()).toEqual(['run:1']);
    await made.open('run:2');
    expect(made.preview?.reference).toBe('run:2');
    (shell.currentWidget as PageWidget).isPreview = false;
    expect(made.preview).toBeNull();
  });

  it('that are forms have a tab each', async () => {
    const { made, tabs } = setup();
    await made.open('submit:a.ipynb');
    await made.open('submit:b.ipynb');
    expect(tabs()).toEqual(['submit:a.ipynb', 'submit:b.ipynb']);
  });

  it('come back after a reload as they were', async () => {
    const { made, commands, kept, tabs } = setup();
    await commands.execute('mlinfra:runs-open', {
      ...kept({ reference: 'run:1', isPreview: true })
    });
    await made.open('run:2');
    expect(tabs()).toEqual(['run:2*']);
  });

  it('are one for each snapshot of a dataset', async () => {
    const { made, tabs } = setup();
    await made.open('dataset:a.b');
    made.keep('dataset:a.b');
    await made.open('dataset:a.b@4711');
    expect(tabs()).toEqual(['dataset:a.b', 'dataset:a.b@4711*']);
  });
});
