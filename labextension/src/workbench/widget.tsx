import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { Frame } from '../components/frame';
import { WidgetVisibility } from '../hooks/visible';
import type { IWorkbench } from '../tokens';

/** A widget that draws nothing before it is first shown, and tells its components whether it is in sight. */
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
    this._look();
    super.onAfterAttach(message);
  }

  protected override onAfterShow(): void {
    this._look();
  }

  protected override onAfterHide(): void {
    this._look();
  }

  protected override onBeforeDetach(message: Message): void {
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

  private _seen = false;
  private readonly _visibility = new WidgetVisibility();
}
