import type { INotebookTracker } from '@jupyterlab/notebook';
import { Drag } from '@lumino/dragdrop';

import { dragFrom, mimeDataOf, REFS_MIME } from '../drag';
import { acceptDrops } from '../drop';

jest.mock('@lumino/dragdrop', () => ({
  Drag: jest.fn()
}));

const REFUSED = new Error('no right');

describe('a drag', () => {
  const ended = jest.fn();
  beforeEach(() => {
    const drag = { start: async () => 'copy', dispose: ended } as unknown as Drag;
    jest.mocked(Drag).mockReset();
    jest.mocked(Drag).mockReturnValue(drag);
    ended.mockReset();
  });

  it('brings the import, whichever notebook, console or file it is dropped on', async () => {
    const code = Promise.resolve('job = ml.job("7")\nprint(job.logs(tail=50))');
    const data = mimeDataOf(['job:7'], code);
    await code;
    expect(data.getData('text/plain')).toBe(
      'import jupyter_mlinfra as ml\njob = ml.job("7")\nprint(job.logs(tail=50))'
    );
    expect(data.getData(REFS_MIME)).toEqual(['job:7']);
    expect(data.types().filter(type => type.startsWith('text'))).toEqual(['text/plain']);
  });

  const move = (type: string, clientX: number): boolean =>
    document.dispatchEvent(new MouseEvent(type, { clientX, clientY: 0, bubbles: true }));
  const press = { clientX: 0, clientY: 0, button: 0 };
  const settled = async (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));
  const failed = jest.fn();

  it('asks for its code when the button is pressed, and begins with the first move', () => {
    const code = jest.fn(() => new Promise<string>(() => undefined));
    dragFrom(press, () => ['job:7'], '7', code, failed);
    expect(code).toHaveBeenCalledWith(['job:7']);
    move('mousemove', 20);
    expect(Drag).toHaveBeenCalledTimes(1);
  });

  it('does not begin once the button was let go', () => {
    const code = async (): Promise<string> => 'ml.job("7")';
    dragFrom(press, () => ['job:7'], '7', code, failed);
    move('mouseup', 20);
    move('mousemove', 20);
    expect(Drag).not.toHaveBeenCalled();
  });

  it.each([
    ['there is no code', async () => '', []],
    ['its code cannot be had, and says why', async () => Promise.reject(REFUSED), [[REFUSED]]]
  ])('ends when %s', async (_, code: () => Promise<string>, calls) => {
    failed.mockClear();
    dragFrom(press, () => ['job:7'], '7', code, failed);
    move('mousemove', 20);
    await settled();
    expect(ended).toHaveBeenCalledTimes(1);
    expect(failed.mock.calls).toEqual(calls);
  });
});

const CODE = 'requests = ml.monitor("m").frame(since="24h")\nrequests';

describe('a notebook that references are dropped on', () => {
  /** A notebook with one cell, whose text ends with an empty line. */
  interface IOpened {
    drop: (on: 'line' | 'gap', code?: Promise<string>) => Promise<void>;
    /** The line that was empty when the notebook was opened. */
    line: Element | undefined;
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
      updateSource: (...args: unknown[]) => filled.push(args)
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
    const drop: IOpened['drop'] = async (on, code = Promise.resolve(CODE)) => {
      const mimeData = mimeDataOf(['monitor:m'], code);
      const event = new Event('lm-drop', { bubbles: true });
      Object.assign(event, { mimeData, clientX: 0, clientY: 0 });
      (on === 'line' ? lines[1] : node)?.dispatchEvent(event);
      mimeData.clear(); // as Lumino does once it has let go
      await code.catch(() => undefined);
      await Promise.resolve().then(() => undefined);
    };
    return { drop, inserted, filled, focused, line: lines[1] };
  }

  it('gets the import that it lacks, and none that it has, whichever notebook was in use when the drag began', async () => {
    const [bare, full] = [opened('x = 1'), opened('import jupyter_mlinfra as ml')];
    await bare.drop('gap');
    await full.drop('gap');
    expect(bare.inserted).toEqual([`import jupyter_mlinfra as ml\n${CODE}`]);
    expect(full.inserted).toEqual([CODE]);
  });

  it('gets the code of the row, where that is not the one of its reference', async () => {
    const { drop, inserted } = opened('import jupyter_mlinfra as ml');
    await drop('gap', Promise.resolve('ml.job("7").table()'));
    expect(inserted).toEqual(['ml.job("7").table()']);
  });

  it('has the focus afterwards, in the text or on the new cell: Shift+Enter runs it', async () => {
    jest.useFakeTimers();
    const { drop, focused } = opened('x = 1');
    await drop('line');
    jest.runAllTimers();
    await drop('gap');
    jest.runAllTimers();
    jest.useRealTimers();
    expect(focused).toEqual(['text', 'cell']);
  });

  it('takes them at the empty last line of a cell, where CodeMirror finds no place', async () => {
    const { drop, inserted, filled } = opened('import jupyter_mlinfra as ml');
    await drop('line');
    expect(filled).toEqual([[42, 42, CODE]]);
    expect(inserted).toEqual([]);
  });

  it('gets what was dropped before its code was there, where it was dropped', async () => {
    let give: (text: string) => void = () => undefined;
    const late = new Promise<string>(resolve => (give = resolve));
    const { drop, inserted, filled } = opened('import jupyter_mlinfra as ml');
    const done = drop('line', late);
    expect([inserted, filled]).toEqual([[], []]);
    give(CODE);
    await done;
    expect(filled).toEqual([[42, 42, CODE]]);
  });

  it('gets a cell of its own where someone has typed into the line meanwhile', async () => {
    const { drop, inserted, filled, line } = opened('import jupyter_mlinfra as ml');
    const late = new Promise<string>(resolve => setTimeout(() => resolve(CODE)));
    const done = drop('line', late);
    line!.textContent = 'x = 2';
    await done;
    expect([inserted, filled]).toEqual([[CODE], []]);
  });

  it('is left as it was by code that cannot be had', async () => {
    const { drop, inserted, focused } = opened('x = 1');
    await drop('gap', Promise.reject(REFUSED));
    await drop('gap', Promise.resolve(''));
    expect([inserted, focused]).toEqual([[], []]);
  });
});
