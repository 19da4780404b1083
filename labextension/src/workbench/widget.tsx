import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { frameIn } from '../frames';
import { WidgetVisibility } from '../hooks/visible';
import type { IWorkbench } from '../tokens';
import type * as Drawn from './drawing';

/** What widgets are drawn with; only its type is here from the start. */
export type Drawing = typeof Drawn;

let drawing: Drawing | null = null;

/** Fetch what widgets are drawn with; after a failure the next call tries again. */
export async function fetchDrawing(): Promise<Drawing> {
  return (drawing ??= await import('./drawing'));
}

/**
 * A widget that draws nothing before it is first shown, and tells its components whether it is in
 * sight. The code and the styles of the drawing come with the first one.
 */
export abstract class FrameWidget extends ReactWidget {
  constructor(
    protected readonly workbench: IWorkbench,
    private readonly _kind: 'panel' | 'page' | 'output'
  ) {
    super();
    this.addClass('jp-mlinfra-widget');
  }

  protected abstract content(drawing: Drawing): React.ReactElement;

  protected override render(): React.ReactElement {
    if (this._failed) {
      return this._retry();
    }
    if (!this._seen || !drawing) {
      return <></>;
    }
    const { Frame } = drawing;
    return (
      <Frame workbench={this.workbench} visibility={this._visibility} kind={this._kind}>
        {this.content(drawing)}
      </Frame>
    );
  }

  protected override onAfterAttach(message: Message): void {
    this.node.addEventListener('keydown', this._onKey);
    this._look();
    super.onAfterAttach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  protected override onAfterHide(): void {
    this._look();
  }

  protected override onBeforeDetach(message: Message): void {
    this.node.removeEventListener('keydown', this._onKey);
    this._visibility.shown = false;
    super.onBeforeDetach(message);
  }

  private _look(): void {
    this._visibility.shown = this.isVisible;
    if (this.isVisible && (!this._seen || this._failed)) {
      this._seen = true;
      void this._draw();
    }
  }

  private async _draw(): Promise<void> {
    this._failed = false;
    try {
      await fetchDrawing();
    } catch {
      this._failed = true;
    }
    if (!this.isDisposed) {
      this.update();
    }
  }

  /** The server that has the drawing does not answer. */
  private _retry(): React.ReactElement {
    const { trans } = this.workbench;
    return (
      <div role="alert" className="jp-mlinfra-missing">
        {trans.__('This part of the workbench could not be loaded: the server does not answer.')}{' '}
        <button type="button" className="jp-Button" onClick={() => void this._draw()}>
          {trans.__('Retry')}
        </button>
      </div>
    );
  }

  /**
   * JupyterLab focuses the widget's own node, which stands around the frame that knows `?`.
   */
  private readonly _onKey = (event: KeyboardEvent): void => {
    if (event.target === this.node && event.key === '?') {
      event.preventDefault();
      frameIn(this.node)?.help();
    }
  };

  private _seen = false;
  private _failed = false;
  private readonly _visibility = new WidgetVisibility();
}
