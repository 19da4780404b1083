import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Drag } from '@lumino/dragdrop';

import { type IDragged, REFS_MIME } from './drag';
import { insertCell } from './insert';

/** A gap between cells: the position of the new cell, and where the line is drawn (pixels from the top of the notebook). */
export interface IGap {
  index: number;
  y: number;
}

/** The gap nearest to `y` among cells given by their position, top and bottom (pixels, in order). */
export function nearestGap(cells: readonly { index: number; top: number; bottom: number }[], y: number): IGap {
  const below = cells.find(cell => y < (cell.top + cell.bottom) / 2);
  if (below) {
    return { index: below.index, y: below.top };
  }
  const last = cells[cells.length - 1];
  return last ? { index: last.index + 1, y: last.bottom } : { index: 0, y: 0 };
}

/**
 * Takes references that are dropped on one notebook: they become a cell in the nearest gap.
 *
 * An empty line of an editor takes them itself. Between the letters of a line with code they would break it.
 */
class NotebookDrop implements EventListenerObject {
  constructor(private readonly _panel: NotebookPanel) {
    const node = _panel.content.node;
    for (const type of ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop']) {
      node.addEventListener(type, this, true); // before the editors, which would take it wherever the pointer is
    }
    this._line.className = 'jp-mlinfra-drop-line';
  }

  handleEvent(event: Event): void {
    const drag = event as unknown as Drag.Event; // Lumino's own event, which it dispatches under these names
    if (event.type === 'lm-dragleave') {
      this._line.remove();
      return;
    }
    if (!drag.mimeData.hasData(REFS_MIME) || this._onEmptyLine(drag)) {
      this._line.remove();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const gap = this._gap(drag.clientY);
    if (event.type === 'lm-drop') {
      this._drop(drag, gap);
    } else {
      drag.dropAction = 'copy';
      this._show(gap);
    }
  }

  private _onEmptyLine({ target, clientX, clientY }: Drag.Event): boolean {
    if (!(target instanceof Element) || !target.closest('.cm-editor')) {
      return false;
    }
    const editor = this._panel.content.widgets.find(cell => cell.node.contains(target))?.editor;
    if (!editor || editor.getOption('readOnly') === true) {
      return false;
    }
    const point = { left: clientX, right: clientX, top: clientY, bottom: clientY };
    const position = editor.getPositionForCoordinate(point);
    return position !== null && editor.getLine(position.line) === '';
  }

  private _gap(y: number): IGap {
    const cells = this._panel.content.widgets
      .map((cell, index) => ({ cell, index }))
      .filter(({ cell }) => cell.isAttached)
      .map(({ cell, index }) => ({ index, ...edges(cell.node) }));
    return nearestGap(cells, y);
  }

  private _show(gap: IGap): void {
    const frame = this._panel.content.node;
    this._line.style.top = `${gap.y - frame.getBoundingClientRect().top + frame.scrollTop}px`;
    if (!this._line.isConnected) {
      frame.appendChild(this._line);
    }
  }

  private _drop(event: Drag.Event, gap: IGap): void {
    this._line.remove();
    const dragged = event.mimeData.getData(REFS_MIME) as IDragged;
    event.dropAction = 'copy';
    insertCell(this._panel, gap.index, dragged.code);
    this._panel.content.activate();
  }

  private readonly _line = document.createElement('div');
}

function edges(node: HTMLElement): { top: number; bottom: number } {
  const { top, bottom } = node.getBoundingClientRect();
  return { top, bottom };
}

/** Let every notebook, now and later, take references between its cells. */
export function acceptDrops(tracker: INotebookTracker): void {
  const attach = (panel: NotebookPanel): NotebookDrop => new NotebookDrop(panel);
  tracker.forEach(attach);
  tracker.widgetAdded.connect((_, panel) => attach(panel));
}
