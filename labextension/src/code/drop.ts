import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Drag } from '@lumino/dragdrop';

import { asCell } from './cell';
import { CODE_MIME, REFS_MIME } from './drag';
import { codeCells, insertCell, isWritable } from './insert';

/**
 * A gap between cells: the position of the new cell, and where the line is drawn (pixels from the
 * top of the notebook).
 */
export interface IGap {
  index: number;
  y: number;
}

/**
 * The gap nearest to `y` among cells given by their position, top and bottom (pixels, in order).
 */
export function nearestGap(
  cells: readonly { index: number; top: number; bottom: number }[],
  y: number
): IGap {
  const below = cells.find(cell => y < (cell.top + cell.bottom) / 2);
  if (below) {
    return { index: below.index, y: below.top };
  }
  const last = cells[cells.length - 1];
  return last ? { index: last.index + 1, y: last.bottom } : { index: 0, y: 0 };
}

/** The empty line of an editor. */
interface IEmptyLine {
  y: number;
  /** Whether it could be filled: it is there no more, or has a text by now. */
  fill: (code: string) => boolean;
}

/** Give a notebook the focus: its active cell, or the text in that. */
export type Reveal = (panel: NotebookPanel, inText: boolean) => void;

/**
 * Takes references that are dropped on one notebook: they become a cell in the nearest gap.
 *
 * An empty line of an editor takes them itself. Between the letters of a line with code they would
 * break it. A notebook that cannot be written to takes none.
 */
class NotebookDrop implements EventListenerObject {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _reveal: Reveal
  ) {
    const node = _panel.content.node;
    for (const type of ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop']) {
      // before the editors, which would take it wherever the pointer is
      node.addEventListener(type, this, true);
    }
    this._line.className = 'jp-mlinfra-drop-line';
  }

  handleEvent(event: Event): void {
    const drag = event as unknown as Drag.Event; // Lumino's own event, which it dispatches under these names
    if (event.type === 'lm-dragleave') {
      this._line.remove();
      return;
    }
    if (!drag.mimeData.hasData(REFS_MIME)) {
      return;
    }
    if (!isWritable(this._panel)) {
      event.stopPropagation(); // nobody takes it, the editors neither
      this._line.remove();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    drag.dropAction = 'copy';
    const empty = this._emptyLine(drag.target);
    const gap = this._gap(drag.clientY);
    if (event.type !== 'lm-drop') {
      this._show(empty?.y ?? gap.y);
      return;
    }
    this._line.remove();
    void this._take(drag.mimeData.getData(CODE_MIME) as Promise<string>, gap, empty);
  }

  /**
   * Write code where it was dropped, once it is there: as an editor would take it, without what
   * this notebook has.
   */
  private async _take(code: Promise<string>, gap: IGap, empty: IEmptyLine | null): Promise<void> {
    const { content } = this._panel;
    const below = content.widgets[gap.index];
    const text = await code.catch(() => ''); // the drag says why
    if (!text || !isWritable(this._panel)) {
      return;
    }
    const source = asCell(text, 'python', codeCells(this._panel));
    const filled = empty?.fill(source) === true;
    if (!filled) {
      const moved = below ? content.widgets.indexOf(below) : -1;
      insertCell(
        this._panel,
        moved < 0 ? Math.min(gap.index, content.widgets.length) : moved,
        source
      );
    }
    // The focus follows the code: the row that was dragged would take the next key. Lumino has not
    // let go of the drag yet.
    setTimeout(() => this._reveal(this._panel, filled));
  }

  /** The empty line of an editor at a place. */
  private _emptyLine(target: EventTarget | null): IEmptyLine | null {
    const line = target instanceof Element ? target.closest('.cm-line') : null;
    const cell = line && this._panel.content.widgets.find(({ node }) => node.contains(line));
    if (!line || line.textContent || !cell?.editor || cell.editor.getOption('readOnly') === true) {
      return null;
    }
    // By the line and not by the point, as the editor itself does: CodeMirror finds no place at the
    // empty last line of a text.
    const { editor } = cell.editor as unknown as { editor: { posAtDOM: (node: Node) => number } };
    return {
      y: edges(line).bottom,
      fill: code => {
        if (!line.isConnected || line.textContent) {
          return false;
        }
        const at = editor.posAtDOM(line);
        cell.model.sharedModel.updateSource(at, at, code);
        this._panel.content.activeCellIndex = this._panel.content.widgets.indexOf(cell);
        cell.editor?.setCursorPosition(
          cell.editor.getPositionAt(at + code.length) ?? { line: 0, column: 0 }
        );
        return true;
      }
    };
  }

  private _gap(y: number): IGap {
    const cells = this._panel.content.widgets
      .map((cell, index) => ({ cell, index }))
      .filter(({ cell }) => cell.isAttached)
      .map(({ cell, index }) => ({ index, ...edges(cell.node) }));
    return nearestGap(cells, y);
  }

  private _show(y: number): void {
    const frame = this._panel.content.node;
    this._line.style.top = `${y - frame.getBoundingClientRect().top + frame.scrollTop}px`;
    if (!this._line.isConnected) {
      frame.appendChild(this._line);
    }
  }

  private readonly _line = document.createElement('div');
}

function edges(node: Element): { top: number; bottom: number } {
  const { top, bottom } = node.getBoundingClientRect();
  return { top, bottom };
}

/** Let every notebook, now and later, take references between its cells. */
export function acceptDrops(tracker: INotebookTracker, reveal: Reveal): void {
  const attach = (panel: NotebookPanel): NotebookDrop => new NotebookDrop(panel, reveal);
  tracker.forEach(attach);
  tracker.widgetAdded.connect((_, panel) => attach(panel));
}
