import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';

import { mimeDataOf } from '../drag';
import { acceptDrops } from '../drop';
import { createCode, type ICode } from '../insert';

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

const codeOf = (
  commands: CommandRegistry,
  tracker: Tracker,
  reveal: (panel: NotebookPanel) => void = () => undefined
): ICode => createCode(commands, asTracker(tracker), reveal, nullTranslator.load(''));

describe('code for a notebook', () => {
  it('goes into the last one that can be written to, while the record of a job is in front', async () => {
    const [first, last, record] = [notebook(), notebook(), notebook(true)];
    const tracker = new Tracker();
    const code = codeOf(new CommandRegistry(), tracker);
    [first, last, record].forEach(({ panel }) => tracker.turnTo(panel));
    await code.insertBelow('1 + 1');
    await code.insertAtCursor('2 + 2');
    expect([first.inserted, last.inserted, record.inserted]).toEqual([[], ['1 + 1', '2 + 2'], []]);
  });

  it('goes into the notebook that was in front when it was asked for, not when it came', async () => {
    const [first, second] = [notebook(), notebook()];
    const tracker = new Tracker();
    const code = codeOf(new CommandRegistry(), tracker);
    tracker.turnTo(first.panel);
    let arrive: (text: string) => void = () => undefined;
    const below = code.insertBelow(new Promise<string>(resolve => (arrive = resolve)));
    tracker.turnTo(second.panel);
    arrive('1 + 1');
    await below;
    expect([first.inserted, second.inserted]).toEqual([['1 + 1'], []]);
  });

  interface IAsked {
    first: ICellsOf;
    second: ICellsOf;
    editor: { isDisposed: boolean; replaceSelection: jest.Mock; focus: jest.Mock };
    arrive: (text: string) => Promise<void>;
  }

  /** Two notebooks: code is asked for in the first, which has a caret; then the other is used. */
  const asked = (how: 'insertAtCursor' | 'insertBelow'): IAsked => {
    const [first, second] = [notebook(), notebook()];
    const editor = { isDisposed: false, replaceSelection: jest.fn(), focus: jest.fn() };
    const model = { sharedModel: { cell_type: 'code', getSource: () => 'x = 1' } };
    Object.assign(first.panel.content, { activeCell: { editor, model } });
    const tracker = new Tracker();
    const code = codeOf(new CommandRegistry(), tracker);
    tracker.turnTo(first.panel);
    let arrive: (text: string) => void = () => undefined;
    const inserted = code[how](new Promise<string>(resolve => (arrive = resolve)));
    tracker.turnTo(second.panel);
    return {
      first,
      second,
      editor,
      arrive: text => {
        arrive(text);
        return inserted;
      }
    };
  };

  it('goes below the cell of the notebook in which the editor with the caret is gone', async () => {
    const { first, second, editor, arrive } = asked('insertAtCursor');
    editor.isDisposed = true;
    await arrive('1 + 1');
    expect([first.inserted, second.inserted]).toEqual([['1 + 1'], []]);
    expect(editor.replaceSelection).not.toHaveBeenCalled();
  });

  it.each(['insertAtCursor', 'insertBelow'] as const)(
    'goes nowhere, and says so, when its notebook was closed before it came: %s',
    async how => {
      const info = jest.spyOn(Notification, 'info').mockReturnValue('');
      const { first, second, editor, arrive } = asked(how);
      Object.assign(first.panel, { isDisposed: true });
      await arrive('1 + 1');
      expect([first.inserted, second.inserted]).toEqual([[], []]);
      expect(editor.replaceSelection).not.toHaveBeenCalled();
      expect(info.mock.calls.map(([what]) => what)).toEqual([
        'The notebook was closed before the code came. Nothing was inserted.'
      ]);
      info.mockRestore();
    }
  );

  it('that turns out to be empty opens no notebook', async () => {
    const create = jest.fn();
    const commands = new CommandRegistry();
    commands.addCommand('notebook:create-new', { describedBy: {}, execute: create });
    const code = codeOf(commands, new Tracker());
    await code.insertBelow(Promise.resolve(''));
    expect(create).not.toHaveBeenCalled();
  });

  it('goes into a new one when only the record of a job is open', async () => {
    const [record, made] = [notebook(true), notebook()];
    const tracker = new Tracker();
    const commands = new CommandRegistry();
    commands.addCommand('notebook:create-new', { describedBy: {}, execute: () => made.panel });
    const code = codeOf(commands, tracker);
    tracker.turnTo(record.panel);
    await code.insertBelow('1 + 1');
    expect([record.inserted, made.inserted]).toEqual([[], ['1 + 1']]);
  });

  it('is one thing and the focus another: that goes back to the notebook in front, also to a record', () => {
    const [last, record] = [notebook(), notebook(true)];
    const tracker = new Tracker();
    const reveal = jest.fn();
    const code = codeOf(new CommandRegistry(), tracker, reveal);
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
    acceptDrops(asTracker(tracker), jest.fn());
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
