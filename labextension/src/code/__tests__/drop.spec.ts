import type { INotebookTracker } from '@jupyterlab/notebook';
import type { MimeData } from '@lumino/coreutils';

import { dragFrom, mimeDataOf, REFS_MIME } from '../drag';
import { acceptDrops } from '../drop';

describe('a drag', () => {
  it('brings the import, whichever notebook, console or file it is dropped on', () => {
    const data = mimeDataOf(['job:7']);
    expect(data.getData('text/plain')).toBe(
      'import jupyter_mlinfra as ml\njob = ml.job("7")\nprint(job.logs(tail=50))'
    );
    expect(data.getData(REFS_MIME)).toEqual(['job:7']);
    expect(data.types().filter(type => type.startsWith('text'))).toEqual(['text/plain']);
  });

  it('does not begin on what has no code', () => {
    const listen = jest.spyOn(document, 'addEventListener');
    dragFrom({ clientX: 0, clientY: 0, button: 0 }, () => ['file:a.ipynb'], 'a.ipynb');
    expect(listen).not.toHaveBeenCalled();
    dragFrom({ clientX: 0, clientY: 0, button: 0 }, () => ['job:7'], '7');
    expect(listen).toHaveBeenCalled();
  });
});

describe('a notebook that references are dropped on', () => {
  /** A notebook with one cell, whose text ends with an empty line. */
  interface IOpened {
    drop: (on: 'line' | 'gap', data?: MimeData) => void;
    inserted: string[];
    filled: unknown[][];
    /** What was given the focus: the text of a cell, or the cell. */
    focused: string[];
  }

  function opened(source: string): IOpened {
    const node = document.body.appendChild(document.createElement('div'));
    node.innerHTML =
      '<div class="cell"><div class="cm-editor"><div class="cm-line">x</div><div class="cm-line"><br></div></div></div>';
    const lines = node.querySelectorAll('.cm-line');
    const inserted: string[] = [];
    const filled: unknown[][] = [];
    const shared = {
      getSource: () => source,
      cell_type: 'code',
      updateSource: (...given: unknown[]) => filled.push(given)
    };
    const cell = {
      node: node.firstElementChild,
      isAttached: true,
      model: { sharedModel: shared },
      editor: {
        getOption: () => false,
        getPositionAt: () => ({ line: 0, column: 0 }),
        setCursorPosition: () => undefined,
        editor: { posAtDOM: (line: Node) => (line === lines[1] ? 42 : -1) }
      }
    };
    const insertCell = (_: number, { source: made }: { source: string }): void =>
      void inserted.push(made);
    const content = {
      node,
      widgets: [cell],
      model: { sharedModel: { cells: [shared], insertCell } },
      deselectAll: jest.fn(),
      scrollToItem: async () => undefined
    };
    const tracker = {
      forEach: (attach: (panel: unknown) => void) =>
        attach({ content, context: { model: { readOnly: false } } }),
      widgetAdded: { connect: jest.fn() }
    };
    const focused: string[] = [];
    acceptDrops(tracker as unknown as INotebookTracker, (_, inText) =>
      focused.push(inText ? 'text' : 'cell')
    );
    const drop: IOpened['drop'] = (on, mimeData = mimeDataOf(['monitor:m'])) => {
      const event = new Event('lm-drop', { bubbles: true });
      Object.assign(event, { mimeData, clientX: 0, clientY: 0 });
      (on === 'line' ? lines[1] : node)?.dispatchEvent(event);
    };
    return { drop, inserted, filled, focused };
  }

  const CODE = 'requests = ml.monitor("m").frame()\nrequests';

  it('gets the import that it lacks, and none that it has, whichever notebook was in use when the drag began', () => {
    const [bare, full] = [opened('x = 1'), opened('import jupyter_mlinfra as ml')];
    bare.drop('gap');
    full.drop('gap');
    expect(bare.inserted).toEqual([`import jupyter_mlinfra as ml\n${CODE}`]);
    expect(full.inserted).toEqual([CODE]);
  });

  it('gets the code of the row, where that is not the one of its reference', () => {
    const { drop, inserted } = opened('import jupyter_mlinfra as ml');
    drop('gap', mimeDataOf(['job:7'], 'ml.job("7").table()'));
    expect(inserted).toEqual(['ml.job("7").table()']);
  });

  it('has the focus afterwards, in the text or on the new cell: Shift+Enter runs it', () => {
    jest.useFakeTimers();
    const { drop, focused } = opened('x = 1');
    drop('line');
    jest.runAllTimers();
    drop('gap');
    jest.runAllTimers();
    jest.useRealTimers();
    expect(focused).toEqual(['text', 'cell']);
  });

  it('takes them at the empty last line of a cell, where CodeMirror finds no place', () => {
    const { drop, inserted, filled } = opened('import jupyter_mlinfra as ml');
    drop('line');
    expect(filled).toEqual([[42, 42, CODE]]);
    expect(inserted).toEqual([]);
  });
});
