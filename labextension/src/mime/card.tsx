import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import React from 'react';

import { IWorkbench, type Lazy } from '../tokens';
import { type Drawing, FrameWidget } from '../workbench/widget';
import type { IPayload } from './payload';

export const MLINFRA_MIME = 'application/vnd.mlinfra.v1+json';

const live: Lazy<{ payload: IPayload }> = () => import(/* webpackChunkName: "shared" */ './live');

/**
 * A record in a notebook's output: the same card as on its page, alive while its object can still
 * change.
 */
class CardRenderer extends FrameWidget implements IRenderMime.IRenderer {
  constructor(workbench: IWorkbench) {
    super(workbench, 'output');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._payload = model.data[MLINFRA_MIME] as unknown as IPayload;
    this.update();
    await this.renderPromise;
  }

  protected override content({ Later }: Drawing): React.ReactElement {
    return <>{this._payload && <Later load={live} props={{ payload: this._payload }} />}</>;
  }

  private _payload: IPayload | null = null;
}

export const card: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:card',
  description: 'Shows the records of the workbench as live cards in notebooks.',
  autoStart: true,
  requires: [IWorkbench, IRenderMimeRegistry],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench, rendermime: IRenderMimeRegistry) => {
    rendermime.addFactory(
      { safe: true, mimeTypes: [MLINFRA_MIME], createRenderer: () => new CardRenderer(workbench) },
      30
    );
  }
};
