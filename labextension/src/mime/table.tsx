import { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import { Widget } from '@lumino/widgets';
import React from 'react';

import type { IWorkbench } from '../tokens';
import { FrameWidget } from '../workbench/widget';
import Pick, { type IPickState } from './pick';
import { MODULE, VERSION } from './widget';

const STATE: IPickState = { title: '', rows: [], refs: [], picked: [], total: 0, _more: false, fault: '' };

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
    const state = Object.fromEntries(keys.map(key => [key, model.get(key) as unknown])) as unknown as IPickState;
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

/** What ipywidgets asks this package for. */
export function exportsOf(workbench: IWorkbench): Record<string, typeof DOMWidgetModel | typeof DOMWidgetView> {
  class TableView extends DOMWidgetView {
    override render(): void {
      super.render();
      this._shown = new PickWidget(workbench, this);
      this.listenTo(this.model, 'change', () => this._shown?.update());
      void this.displayed.then(() => this._shown && Widget.attach(this._shown, this.el));
    }

    override remove(): void {
      this._shown?.dispose();
      this._shown = null;
      super.remove();
    }

    private _shown: PickWidget | null = null;
  }
  return { TableModel, TableView };
}
