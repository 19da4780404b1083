import { ToolbarButton } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';

import type { IWorkbench } from '../tokens';

/** The button “ML ▾” of a notebook's toolbar: what else can be done with the notebook. */
export class MenuButton extends ToolbarButton {
  constructor({ commands, trans }: IWorkbench, items: readonly string[]) {
    super({
      label: `${trans.__('ML')} ▾`,
      tooltip: trans.__('More that the workbench does with this notebook'),
      onClick: () => this._open()
    });
    this._menu = new Menu({ commands });
    items.forEach(command => this._menu.addItem({ command }));
  }

  override dispose(): void {
    this._menu.dispose();
    super.dispose();
  }

  private _open(): void {
    const { left, bottom } = this.node.getBoundingClientRect();
    this._menu.open(left, bottom);
  }

  private readonly _menu: Menu;
}
