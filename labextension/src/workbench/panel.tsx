import type { Message } from '@lumino/messaging';
import React from 'react';

import { labIcon } from '../components/labicon';
import type { IPanelSpec, IWorkbench } from '../tokens';
import { type Drawing, FrameWidget } from './widget';

/** A panel of the side bar: title, search box, and the sections of its domain. */
export class PanelWidget extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _spec: IPanelSpec,
    /** Called each time the panel comes into sight. */
    private readonly _shown: (panel: PanelWidget) => void = () => undefined
  ) {
    super(workbench, 'panel');
    this.id = `jp-mlinfra-${_spec.name}`;
    this.title.icon = labIcon(_spec.icon);
    this.title.caption = _spec.title;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _spec.title);
  }

  /** Put the caret into the search box, as soon as it is drawn. */
  focusSearch(frames = 60): void {
    const input = this.node.querySelector<HTMLInputElement>('input[type="search"]');
    if (input) {
      input.focus();
      input.select();
    } else if (frames > 0 && this.isVisible) {
      requestAnimationFrame(() => this.focusSearch(frames - 1));
    }
  }

  protected override content({ Panel }: Drawing): React.ReactElement {
    return <Panel spec={this._spec} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._shown(this);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.focusSearch();
  }
}
