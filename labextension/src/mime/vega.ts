import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { watchTheme } from '../hooks/theme';
import type { IDrawn } from './drawing';

/**
 * JupyterLab itself draws Vega-Lite up to 5. Altair 6 emits 6, and writes the type with `.json` in
 * place of `+json`.
 */
export const VEGALITE_MIMES = [
  'application/vnd.vegalite.v6+json',
  'application/vnd.vegalite.v6.json'
];
export const VEGA_MIMES = ['application/vnd.vega.v6+json', 'application/vnd.vega.v6.json'];

/** Draws one chart; the chart code is fetched with the first. */
export class VegaRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(
    private readonly _mimeType: string,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlinfra-vega');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    const turn = (this._turn += 1);
    const { draw } = await import('./drawing');
    if (turn !== this._turn) {
      return; // disposed, or drawn anew meanwhile
    }
    const isLite = VEGALITE_MIMES.includes(this._mimeType);
    const metadata = model.metadata[this._mimeType] as
      { embed_options?: Readonly<Record<string, unknown>> } | undefined;
    this._drawn?.finalize();
    this._drawn = null;
    const drawn = await draw(this.node, model.data[this._mimeType], {
      mode: isLite ? 'vega-lite' : 'vega',
      dark: document.body.dataset.jpThemeLight === 'false',
      width: this._width(),
      options: metadata?.embed_options ?? {}
    });
    if (turn === this._turn) {
      this._drawn = drawn;
      this._tell(drawn.refused);
    } else {
      drawn.finalize();
    }
  }

  override dispose(): void {
    this._turn += 1;
    this._leave();
    this._drawn?.finalize();
    this._drawn = null;
    super.dispose();
  }

  protected override onResize(): void {
    if (this._drawn?.fits && this._width() && this._width() !== this._drawn.width) {
      this._redraw();
    }
  }

  /** Say why something is missing; the next drawing takes it away. */
  private _tell(refused: readonly string[]): void {
    if (refused.length) {
      const note = document.createElement('p');
      note.textContent = this._trans.__(
        'Not loaded: %1. For safety a chart shows only data that it contains. Put the data into the chart.',
        refused.join(', ')
      );
      this.node.append(note);
    }
  }

  /**
   * `width: "container"` measures 0 px where the node has no width of its own, so the width is
   * handed over.
   */
  private _width(): number {
    return Math.max(0, this.node.clientWidth - 2);
  }

  private readonly _redraw = (): void => {
    if (this._model && !this.isDisposed) {
      void this.renderModel(this._model);
    }
  };

  private readonly _leave = watchTheme(() => this._redraw());
  /** Each drawing has a number: one that is overtaken leaves nothing behind. */
  private _turn = 0;
  private _drawn: IDrawn | null = null;
  private _model: IRenderMime.IMimeModel | null = null;
}

export const vega: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:vega',
  description: 'Draws charts of Vega 6 and Vega-Lite 6, offline.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlinfra');
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [...VEGALITE_MIMES, ...VEGA_MIMES],
        createRenderer: ({ mimeType }) => new VegaRenderer(mimeType, trans)
      },
      40 // before text/html, which Altair sends beside it with scripts from elsewhere
    );
  }
};
