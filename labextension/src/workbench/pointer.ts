import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { frameAround, type IFrameHandle, frameIn, type IPointer } from '../frames';
import { pageOf } from '../refs';

const WIDGET = '.jp-mlinfra-widget, .jp-mlinfra-page-widget';
const OURS = `[data-mlinfra-frame], ${WIDGET}`;
const ROW = '[data-mlinfra-ref]';
const LIST = '[role="tree"], [role="grid"]';
const MAIN = '#jp-main-dock-panel';
/** A panel whose tab is closed is still there. */
const HIDDEN = '.lm-mod-hidden';

/**
 * What the user points at: the row that has the focus or whose menu is open, else the page in
 * front. A palette or a menu that takes the focus changes nothing; a notebook does. A row that was
 * pointed at and is gone is never replaced by the page in front.
 */
export class Pointer implements IPointer {
  constructor(
    private readonly _shell: JupyterFrontEnd.IShell,
    private readonly _palette: () => void
  ) {
    document.addEventListener('focusin', this._look, true);
    document.addEventListener('contextmenu', this._look, true);
    _shell.currentChanged?.connect(this._turn);
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  get node(): Element | null {
    const node = this._pointed;
    return node?.isConnected && !node.closest(HIDDEN) ? node : null;
  }

  get frame(): IFrameHandle | undefined {
    if (this._isGone) {
      return undefined;
    }
    const ours = this.node?.closest(OURS);
    return ours ? (frameAround(ours) ?? frameIn(ours)) : this.front;
  }

  get front(): IFrameHandle | undefined {
    return this._front && frameIn(this._front);
  }

  refs(args: ReadonlyPartialJSONObject = {}): readonly string[] {
    const around = this._menu ?? (this.node ? refsAround(this.node) : []);
    const front = this._isGone || isKey(args) ? undefined : this._front?.dataset.mlinfraPage;
    return [...new Set([...around, ...(front === undefined ? [] : [front])])];
  }

  dispose(): void {
    this._disposed = true;
    document.removeEventListener('focusin', this._look, true);
    document.removeEventListener('contextmenu', this._look, true);
    this._shell.currentChanged?.disconnect(this._turn);
  }

  /** Whether the list has changed, and what was pointed at is not there any more. */
  private get _isGone(): boolean {
    return this._pointed?.isConnected === false;
  }

  /** What was pointed at; a list that was drawn anew has the row in another node. */
  private get _pointed(): Element | null {
    if (this._node?.isConnected === false && this._row) {
      const rows = this._widget?.querySelectorAll<HTMLElement>(ROW) ?? [];
      const again = [...rows].find(
        row => row.dataset.mlinfraRef === this._row && this._isInList(row)
      );
      this._node = again ?? this._node;
    }
    return this._node;
  }

  /** Whether a row is in the list that was pointed into: another one may show the same object. */
  private _isInList(row: Element): boolean {
    const list = row.closest(LIST);
    return this._list?.isConnected ? list === this._list : labelOf(list) === labelOf(this._list);
  }

  private get _front(): HTMLElement | undefined {
    const node = this._shell.currentWidget?.node;
    return node?.matches('[data-mlinfra-page]') ? node : undefined;
  }

  private readonly _look = ({ target, type }: Event): void => {
    if (!(target instanceof Element)) {
      return;
    }
    if (target.closest(OURS)) {
      this._node = target;
      this._row = target.closest<HTMLElement>(ROW)?.dataset.mlinfraRef ?? null;
      this._list = target.closest(LIST);
      this._widget = target.closest(WIDGET);
      this._inMain = target.closest(MAIN) !== null;
      this._menu = type === 'contextmenu' ? refsAround(target) : null;
    } else if (target.closest(MAIN)) {
      this._forget();
    } else if (target.closest('.lm-CommandPalette')) {
      this._palette();
    }
  };

  /** Another page or notebook came to the front; a menu that is open keeps what it is of. */
  private readonly _turn = (): void => {
    if (this._inMain && !this._menu) {
      this._forget();
    }
  };

  private _forget(): void {
    this._node = null;
    this._row = null;
    this._list = null;
    this._widget = null;
    this._inMain = false;
    this._menu = null;
  }

  private _node: Element | null = null;
  /** The reference of its row. */
  private _row: string | null = null;
  /** The list around the row. */
  private _list: Element | null = null;
  private _widget: Element | null = null;
  /** Whether the node was in the main area: it may be gone by now. */
  private _inMain = false;
  /** What a context menu was opened on: the list can change while it is open. */
  private _menu: readonly string[] | null = null;
  private _disposed = false;
}

/** What a list is of; a list that is drawn anew says the same. */
const labelOf = (list: Element | null): string | null => list?.getAttribute('aria-label') ?? null;

/** The row and the page around a node. */
function refsAround(node: Element): readonly string[] {
  const row = node.closest<HTMLElement>(ROW)?.dataset.mlinfraRef;
  const page = node.closest<HTMLElement>('[data-mlinfra-page]')?.dataset.mlinfraPage;
  return [...(row ? [row, pageOf(row)] : []), ...(page === undefined ? [] : [page])];
}

/** Whether a command was called by a key: such a call acts only where the focus is. */
const isKey = (args: ReadonlyPartialJSONObject): boolean => args._luminoEvent !== undefined;
