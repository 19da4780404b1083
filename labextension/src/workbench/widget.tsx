import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { Frame, keysIn } from '../components/frame';
import { WidgetVisibility } from '../hooks/visible';
import type { IWorkbench } from '../tokens';

/**
 * A widget that draws nothing before it is first shown, and tells its components whether it is in
 * sight.
 */
export abstract class FrameWidget extends ReactWidget {
  constructor(
    protected readonly workbench: IWorkbench,
    private readonly _kind: 'panel' | 'page' | 'output'
  ) {
    super();
    this.addClass('jp-mlinfra-widget');
  }

  protected abstract content(): React.ReactElement;

  protected override render(): React.ReactElement {
    if (!this._seen) {
      return <></>;
    }
    return (
      <Frame workbench={this.workbench} visibility={this._visibility} kind={this._kind}>
        {this.content()}
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
    if (this.isVisible && !this._seen) {
      this._seen = true;
      this.update();
    }
  }

  /**
   * JupyterLab focuses the widget's own node, which stands around the frame that knows the keys.
   */
  private readonly _onKey = (event: KeyboardEvent): void => {
    if (event.target === this.node) {
      keysIn(this.node)?.press(event);
    }
  };

  private _seen = false;
  private readonly _visibility = new WidgetVisibility();
}
