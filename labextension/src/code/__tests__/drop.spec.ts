import type { INotebookTracker } from '@jupyterlab/notebook';
import type { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import { dragFrom, mimeDataOf, REFS_MIME } from '../drag';
import { acceptDrops } from '../drop';

jest.mock('@lumino/dragdrop', () => ({
  Drag: jest.fn(() => ({ start: async () => 'copy', dispose: () => undefined }))
}));

describe('a drag', () => {
  beforeEach(() => jest.mocked(Drag).mockClear());

  it('brings the import, whichever notebook, console or file it is dropped on', () => {
    const data = mimeDataOf(['job:7'], 'job = ml.job("7")\nprint(job.logs(tail=50))');
    expect(data.getData('text/plain')).toBe(
      'import jupyter_mlinfra as ml\njob = ml.job("7")\nprint(job.logs(tail=50))'
    );
    expect(data.getData(REFS_MIME)).toEqual(['job:7']);
    expect(data.types().filter(type => type.startsWith('text'))).toEqual(['text/plain']);
  });

  const move = (type: string, clientX: number): boolean =>
    document.dispatchEvent(new MouseEvent(type, { clientX, clientY: 0, bubbles: true }));
  const press = { clientX: 0, clientY: 0, button: 0 };
  const begun = (): number => jest.mocked(Drag).mock.calls.length;
  const settled = async (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));

  it('asks for its code when the button is pressed, and begins once that is there', async () => {
    let give: (text: string) => void = () => undefined;
    const code = jest.fn(() => new Promise<string>(resolve => (give = resolve)));
    dragFrom(press, () => ['job:7'], '7', code);
    expect(code).toHaveBeenCalledWith(['job:7']);
    move('mousemove', 20);
    await settled();
    expect(begun()).toBe(0);
    give('ml.job("7")');
    await settled();
    expect(begun()).toBe(1);
    move('mouseup', 20);
    await settled();
  });

  it('does not begin on what has no code, nor after the button was let go', async () => {
    dragFrom(
      press,
      () => ['job:7'],
      '7',
      async () => ''
    );
    move('mousemove', 20);
    await settled();
    move('mouseup', 20);
    let give: (text: string) => void = () => undefined;
    dragFrom(
      press,
      () => ['job:7'],
      '7',
      () => new Promise<string>(resolve => (give = resolve))
    );
    move('mousemove', 20);
    move('mouseup', 20);
    give('ml.job("7")');
    await settled();
    expect(begun()).toBe(0);
  });
});

const CODE = 'requests = ml.monitor("m").frame()\nrequests';

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
    const drop: IOpened['drop'] = (on, mimeData = mimeDataOf(['monitor:m'], CODE)) => {
      const event = new Event('lm-drop', { bubbles: true });
      Object.assign(event, { mimeData, clientX: 0, clientY: 0 });
      (on === 'line' ? lines[1] : node)?.dispatchEvent(event);
    };
    return { drop, inserted, filled, focused };
  }

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
