import { DOMWidgetModel, DOMWidgetView, JupyterLuminoPanelWidget } from '@jupyter-widgets/base';
import type { Widget } from '@lumino/widgets';
import React from 'react';

import type { IWorkbench } from '../tokens';
import { FrameWidget } from '../workbench/widget';
import Pick, { type IPickState } from './pick';
import { MODULE, VERSION } from './widget';

const STATE: IPickState = {
  title: '',
  rows: [],
  refs: [],
  picked: [],
  total: 0,
  _more: false,
  fault: ''
};

/** The state of a table of `ml.ui`, shared with the kernel. */
class TableModel extends DOMWidgetModel {
  override defaults(): Record<string, unknown> {
    const named = { _model_name: 'TableModel', _view_name: 'TableView' };
    const from = { _model_module: MODULE, _view_module: MODULE };
    const version = { _model_module_version: VERSION, _view_module_version: VERSION };
    return { ...super.defaults(), ...named, ...from, ...version, ...STATE };
  }
}

/** One drawing of such a table; a notebook can have several of the same one. */
class PickWidget extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _view: DOMWidgetView
  ) {
    super(workbench, 'output');
  }

  protected override content(): React.ReactElement {
    const { model } = this._view;
    const keys = Object.keys(STATE) as (keyof IPickState)[];
    const state = Object.fromEntries(
      keys.map(key => [key, model.get(key) as unknown])
    ) as unknown as IPickState;
    return (
      <Pick
        state={state}
        onPick={picked => {
          model.set('picked', picked);
          model.save_changes();
        }}
        onMore={() => model.send({ verb: 'more' }, {})}
      />
    );
  }
}

/** Those of ipywidgets leave out the node, which Lumino takes. */
type PanelOptions = ConstructorParameters<typeof JupyterLuminoPanelWidget>[0] & Widget.IOptions;

/** What ipywidgets asks this package for. */
export function exportsOf(workbench: IWorkbench): {
  TableModel: typeof DOMWidgetModel;
  TableView: typeof DOMWidgetView;
} {
  class TableView extends DOMWidgetView {
    declare luminoWidget: JupyterLuminoPanelWidget;

    /** A panel tells the table in it when it is attached, hidden and detached, and disposes it. */
    override _setElement(el: HTMLElement): void {
      this.el = el;
      this.luminoWidget = new JupyterLuminoPanelWidget({ node: el, view: this } as PanelOptions);
    }

    override render(): void {
      super.render();
      const shown = new PickWidget(workbench, this);
      this.listenTo(this.model, 'change', () => shown.update());
      this.luminoWidget.addWidget(shown);
    }
  }
  return { TableModel, TableView };
}
