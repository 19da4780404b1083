import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';

import { mimeDataOf } from '../drag';
import { acceptDrops } from '../drop';
import { createCode } from '../insert';

interface ICellsOf {
  inserted: string[];
  panel: NotebookPanel;
}

/** A notebook as far as code is written into it. */
const notebook = (readOnly = false): ICellsOf => {
  const inserted: string[] = [];
  const sharedModel = {
    cells: [],
    insertCell: (_: number, { source }: { source: string }) => void inserted.push(source)
  };
  const content = {
    node: document.createElement('div'),
    widgets: [],
    activeCell: null,
    activeCellIndex: 0,
    model: { sharedModel },
    deselectAll: () => undefined,
    activate: () => undefined,
    scrollToItem: async () => undefined
  };
  const panel = { isDisposed: false, content, context: { model: { readOnly } } };
  return { inserted, panel: panel as unknown as NotebookPanel };
};

class Tracker {
  currentWidget: NotebookPanel | null = null;
  readonly currentChanged = new Signal<this, NotebookPanel | null>(this);
  readonly widgetAdded = new Signal<this, NotebookPanel>(this);

  forEach(): void {
    // none yet
  }

  turnTo(panel: NotebookPanel): void {
    this.currentWidget = panel;
    this.currentChanged.emit(panel);
  }
}

const asTracker = (tracker: Tracker): INotebookTracker => tracker as unknown as INotebookTracker;

describe('code for a notebook', () => {
  it('goes into the last one that can be written to, while the record of a job is in front', async () => {
    const [first, last, record] = [notebook(), notebook(), notebook(true)];
    const tracker = new Tracker();
    const code = createCode(new CommandRegistry(), asTracker(tracker), () => undefined);
    [first, last, record].forEach(({ panel }) => tracker.turnTo(panel));
    await code.insertBelow('1 + 1');
    await code.insertAtCursor('2 + 2');
    expect([first.inserted, last.inserted, record.inserted]).toEqual([[], ['1 + 1', '2 + 2'], []]);
  });

  it('goes into the notebook that was in front when it was asked for, not when it came', async () => {
    const [first, second] = [notebook(), notebook()];
    const tracker = new Tracker();
    const code = createCode(new CommandRegistry(), asTracker(tracker), () => undefined);
    tracker.turnTo(first.panel);
    let arrive: (text: string) => void = () => undefined;
    const below = code.insertBelow(new Promise<string>(resolve => (arrive = resolve)));
    tracker.turnTo(second.panel);
    arrive('1 + 1');
    await below;
    expect([first.inserted, second.inserted]).toEqual([['1 + 1'], []]);
  });

  it('that turns out to be empty opens no notebook', async () => {
    const create = jest.fn();
    const commands = new CommandRegistry();
    commands.addCommand('notebook:create-new', { describedBy: {}, execute: create });
    const code = createCode(commands, asTracker(new Tracker()), () => undefined);
    await code.insertBelow(Promise.resolve(''));
    expect(create).not.toHaveBeenCalled();
  });

  it('goes into a new one when only the record of a job is open', async () => {
    const [record, made] = [notebook(true), notebook()];
    const tracker = new Tracker();
    const commands = new CommandRegistry();
    commands.addCommand('notebook:create-new', { describedBy: {}, execute: () => made.panel });
    const code = createCode(commands, asTracker(tracker), () => undefined);
    tracker.turnTo(record.panel);
    await code.insertBelow('1 + 1');
    expect([record.inserted, made.inserted]).toEqual([[], ['1 + 1']]);
  });

  it('is one thing and the focus another: that goes back to the notebook in front, also to a record', () => {
    const [last, record] = [notebook(), notebook(true)];
    const tracker = new Tracker();
    const reveal = jest.fn();
    const code = createCode(new CommandRegistry(), asTracker(tracker), reveal);
    [last, record].forEach(({ panel }) => tracker.turnTo(panel));
    code.focusNotebook();
    expect(reveal.mock.calls).toEqual([[record.panel]]);
  });

  it.each([
    [
      'is taken by a notebook',
      false,
      ['import jupyter_mlinfra as ml\nrun = ml.run("7")\nrun.metrics']
    ],
    ['is refused by the record of a job, and by its editors', true, []]
  ])('that is dropped %s', async (_, readOnly, expected) => {
    const { panel, inserted } = notebook(readOnly);
    const tracker = new Tracker();
    acceptDrops(asTracker(tracker), () => undefined);
    tracker.widgetAdded.emit(panel);
    const editor = panel.content.node.appendChild(document.createElement('div'));
    const reached = jest.fn();
    editor.addEventListener('lm-drop', reached);
    const code = Promise.resolve('run = ml.run("7")\nrun.metrics');
    const mimeData = mimeDataOf(['run:7'], code);
    const drop = new Event('lm-drop', { bubbles: true, cancelable: true });
    editor.dispatchEvent(
      Object.assign(drop, { mimeData, dropAction: 'none', clientX: 1, clientY: 1 })
    );
    await new Promise(resolve => setTimeout(resolve));
    expect(inserted).toEqual(expected);
    expect(drop.defaultPrevented).toBe(!readOnly);
    expect(reached).not.toHaveBeenCalled();
  });
});
