import { DOMWidgetModel, DOMWidgetView, JupyterLuminoPanelWidget } from '@jupyter-widgets/base';
import type { Widget } from '@lumino/widgets';
import React from 'react';

import { Explore, type Model } from '../catalog/grid/kernel';
import type { IWorkbench } from '../tokens';
import { FrameWidget } from '../workbench/widget';
import { MODULE, VERSION } from './widget';

/** The frame that a kernel holds: its name and columns. */
class ExplorerModel extends DOMWidgetModel {
  override defaults(): Record<string, unknown> {
    const named = { _model_name: 'ExplorerModel', _view_name: 'ExplorerView' };
    const from = { _model_module: MODULE, _view_module: MODULE };
    const version = { _model_module_version: VERSION, _view_module_version: VERSION };
    return { ...super.defaults(), ...named, ...from, ...version, title: '', columns: [] };
  }
}

class ExploreWidget extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _model: Model
  ) {
    super(workbench, 'output');
  }

  protected override content(): React.ReactElement {
    return <Explore model={this._model} />;
  }
}

type PanelOptions = ConstructorParameters<typeof JupyterLuminoPanelWidget>[0] & Widget.IOptions;

/** What ipywidgets asks this package for. */
export function exportsOf(workbench: IWorkbench): {
  ExplorerModel: typeof DOMWidgetModel;
  ExplorerView: typeof DOMWidgetView;
} {
  class ExplorerView extends DOMWidgetView {
    declare luminoWidget: JupyterLuminoPanelWidget;

    /** A panel tells the grid in it when it is attached, hidden and detached, and disposes it. */
    override _setElement(el: HTMLElement): void {
      this.el = el;
      this.luminoWidget = new JupyterLuminoPanelWidget({ node: el, view: this } as PanelOptions);
    }

    override render(): void {
      super.render();
      this.luminoWidget.addWidget(new ExploreWidget(workbench, this.model));
    }
  }
  return { ExplorerModel, ExplorerView };
}
