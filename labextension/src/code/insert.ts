import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { inform } from '../components/confirm';
import { asCell, type Door } from './cell';
import { copyText } from './clipboard';

/** A text, or one that is on its way: an empty one is neither inserted nor copied. */
export type Text = string | Promise<string>;

/**
 * Brings code into the notebook that the user is in at the time of the call; if that is closed
 * before the code comes, into none.
 */
export interface ICode {
  /** Into a new cell below the active one; a notebook is made when none is open. */
  insertBelow: (code: Text, door?: Door) => Promise<void>;
  /** At the caret of the active cell. */
  insertAtCursor: (code: Text, door?: Door) => Promise<void>;
  /** To the clipboard. Called in answer to a click or a key, since browsers ask for one. */
  copy: (text: Text) => void;
  /**
   * The code as a cell of that notebook: with the import that it needs, unless that is there.
   */
  cell: (code: Promise<string>, door?: Door) => Promise<string>;
  /** Give the focus back to the notebook in use. */
  focusNotebook: () => void;
}

/** The sources of all code cells, to see what the notebook has already. */
export function codeCells(panel: NotebookPanel | null): string[] {
  const cells = panel?.content.model?.sharedModel.cells ?? [];
  return cells.filter(cell => cell.cell_type === 'code').map(cell => cell.getSource());
}

/** Put a code cell before position `index` and make it the active one. */
export function insertCell(panel: NotebookPanel, index: number, source: string): void {
  const notebook = panel.content;
  if (!notebook.model) {
    return;
  }
  notebook.model.sharedModel.insertCell(index, {
    cell_type: 'code',
    source,
    metadata: { trusted: true }
  });
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  void notebook.scrollToItem(index, 'smart').catch(() => undefined);
}

/**
 * Whether what is written into a notebook can be kept: not in the executed notebook of a job, which
 * is a record.
 */
export const isWritable = (panel: NotebookPanel): boolean =>
  !panel.isDisposed && !panel.context.model.readOnly;

class NotebookCode implements ICode {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _tracker: INotebookTracker | null,
    private readonly _reveal: (panel: NotebookPanel) => void,
    private readonly _trans: TranslationBundle
  ) {
    _tracker?.currentChanged.connect((_, panel) => {
      this._used = [
        ...(panel ? [panel] : []),
        ...this._used.filter(one => one !== panel && !one.isDisposed)
      ];
    });
  }

  async insertBelow(code: Text, door: Door = 'python'): Promise<void> {
    const target = this._inUse();
    const text = await code;
    if (!text) {
      return;
    }
    const panel = target ?? (await this._panel());
    if (panel) {
      this._insertBelow(panel, text, door);
    }
  }

  async insertAtCursor(code: Text, door: Door = 'python'): Promise<void> {
    const panel = this._inUse();
    const editor = panel?.content.activeCell?.editor;
    if (!panel || !editor?.replaceSelection) {
      return this.insertBelow(code, door);
    }
    const text = await code;
    if (!text) {
      return;
    }
    if (!isWritable(panel) || editor.isDisposed) {
      this._insertBelow(panel, text, door);
      return;
    }
    editor.replaceSelection(asCell(text, door, codeCells(panel)));
    this._reveal(panel);
    panel.content.mode = 'edit';
    editor.focus();
  }

  readonly copy = copyText;

  async cell(code: Promise<string>, door: Door = 'python'): Promise<string> {
    const target = this._inUse();
    const text = await code;
    const panel = target && isWritable(target) ? target : this._inUse();
    return text && asCell(text, door, codeCells(panel));
  }

  focusNotebook(): void {
    const panel = this._tracker?.currentWidget;
    if (panel) {
      this._focus(panel);
    }
  }

  /** Into this notebook and no other, unless it was closed while the code was on its way. */
  private _insertBelow(panel: NotebookPanel, text: string, door: Door): void {
    if (!isWritable(panel)) {
      inform(
        this._trans.__('The notebook was closed before the code came. Nothing was inserted.'),
        this._trans
      );
      return;
    }
    const notebook = panel.content;
    const source = asCell(text, door, codeCells(panel));
    const active = notebook.activeCell?.model.sharedModel;
    if (active?.cell_type === 'code' && active.getSource() === '') {
      active.setSource(source); // an empty cell is waiting to be filled
    } else {
      insertCell(panel, notebook.activeCellIndex + 1, source);
    }
    this._focus(panel);
  }

  private _focus(panel: NotebookPanel): void {
    this._reveal(panel);
    panel.content.activate();
  }

  /** The notebook that the user was in last, of those that can be written to. */
  private _inUse(): NotebookPanel | null {
    const current = this._tracker?.currentWidget;
    return [...(current ? [current] : []), ...this._used].find(isWritable) ?? null;
  }

  private async _panel(): Promise<NotebookPanel | null> {
    const current = this._inUse();
    if (current) {
      return current;
    }
    if (!this._commands.hasCommand('notebook:create-new')) {
      return null;
    }
    const made = (await this._commands.execute('notebook:create-new', {
      activate: true,
      kernelName: 'python3'
    })) as NotebookPanel | undefined;
    await made?.revealed;
    await made?.context.ready;
    return made ?? null;
  }

  /** Notebooks, the one that was used last first. */
  private _used: readonly NotebookPanel[] = [];
}

export function createCode(
  commands: CommandRegistry,
  tracker: INotebookTracker | null,
  reveal: (panel: NotebookPanel) => void,
  trans: TranslationBundle
): ICode {
  return new NotebookCode(commands, tracker, reveal, trans);
}
