import type { JupyterFrontEnd } from '@jupyterlab/application';

import { frameAround, type IFrameHandle, frameIn, type IPointer } from '../frames';
import { pageOf } from '../refs';

const OURS = '[data-mlinfra-frame], .jp-mlinfra-widget, .jp-mlinfra-page-widget';
const MAIN = '#jp-main-dock-panel';

/**
 * What the user points at: the row that has the focus or whose menu is open, else the page in front.
 * A palette or a menu that takes the focus changes nothing; a notebook does.
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
    return this._node?.isConnected ? this._node : null;
  }

  get frame(): IFrameHandle | undefined {
    return (this.node && frameAround(this.node)) ?? this.front;
  }

  get front(): IFrameHandle | undefined {
    return this._front && frameIn(this._front);
  }

  get refs(): readonly string[] {
    const row = this.node?.closest<HTMLElement>('[data-mlinfra-ref]')?.dataset.mlinfraRef;
    const pages = [this.node?.closest('[data-mlinfra-page]'), this._front]
      .map(node => (node as HTMLElement | undefined)?.dataset.mlinfraPage)
      .filter(ref => ref !== undefined);
    return [...new Set([...(row ? [row, pageOf(row)] : []), ...pages])];
  }

  dispose(): void {
    this._disposed = true;
    document.removeEventListener('focusin', this._look, true);
    document.removeEventListener('contextmenu', this._look, true);
    this._shell.currentChanged?.disconnect(this._turn);
  }

  private get _front(): HTMLElement | undefined {
    const node = this._shell.currentWidget?.node;
    return node?.matches('[data-mlinfra-page]') ? node : undefined;
  }

  private readonly _look = ({ target }: Event): void => {
    if (!(target instanceof Element)) {
      return;
    }
    if (target.closest(OURS)) {
      this._node = target;
    } else if (target.closest(MAIN)) {
      this._node = null;
    } else if (target.closest('.lm-CommandPalette')) {
      this._palette();
    }
  };

  /** Another page or notebook came to the front. */
  private readonly _turn = (): void => {
    if (this.node?.closest(MAIN)) {
      this._node = null;
    }
  };

  private _node: Element | null = null;
  private _disposed = false;
}
