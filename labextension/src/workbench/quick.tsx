import { Widget } from '@lumino/widgets';
import React from 'react';

import { cx } from '../components/cx';
import type { IWorkbench } from '../tokens';
import { leaving } from './leaving';
import { type Drawing, FrameWidget } from './widget';

/**
 * A search over everything, above what is open: Enter opens, `i` inserts, Escape goes back to where
 * the caret was.
 */
class QuickOpen extends FrameWidget {
  constructor(workbench: IWorkbench, leave: () => void) {
    super(leaving(workbench, leave), 'panel');
    this.addClass(cx('quick'));
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-modal', 'true');
    this.node.setAttribute('aria-label', workbench.trans.__('Search the Workbench'));
  }

  protected override content({ Quick }: Drawing): React.ReactElement {
    return <Quick onShown={this._onShown} />;
  }

  private readonly _onShown = (input: HTMLInputElement): void => this.onShown(input);

  /** Called once the search box is there. */
  onShown: (input: HTMLInputElement) => void = () => undefined;
}

let open: QuickOpen | null = null;

/**
 * Open the search, or go to it; it closes by Escape, by a click elsewhere, when something else
 * takes the focus, and when something was chosen.
 */
export function openQuick(workbench: IWorkbench): void {
  if (open && !open.isDisposed) {
    (open.node.querySelector('input') ?? open.node).focus();
    return;
  }
  const before = document.activeElement;
  const close = (back = true): void => {
    document.removeEventListener('mousedown', outside, true);
    document.removeEventListener('focusin', left, true);
    document.removeEventListener('keydown', escape, true);
    if (!widget.isDisposed) {
      widget.dispose();
      if (back && before instanceof HTMLElement) {
        before.focus();
      }
    }
  };
  const widget = new QuickOpen(workbench, close);
  open = widget;
  const left = ({ target }: FocusEvent): void => {
    if (
      target instanceof Element &&
      !widget.node.contains(target) &&
      !target.closest('.jp-Dialog')
    ) {
      close(false);
    }
  };
  const outside = (event: MouseEvent): void => {
    if (!widget.node.contains(event.target as Node)) {
      close();
    }
  };
  /**
   * On the document, since a row that had the focus may be gone; a dialog above this one keeps its
   * own Escape.
   */
  const escape = (event: KeyboardEvent): void => {
    if (
      event.key === 'Escape' &&
      (event.target === document.body || widget.node.contains(event.target as Node))
    ) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };
  let early = '';
  widget.node.addEventListener('keydown', event => {
    if (
      event.target === widget.node &&
      event.key.length === 1 &&
      !event.ctrlKey &&
      !event.altKey &&
      !event.metaKey
    ) {
      event.preventDefault();
      event.stopImmediatePropagation();
      early += event.key;
    } else if (event.key === 'Tab') {
      keepInside(widget.node, event);
    }
  });
  document.addEventListener('mousedown', outside, true);
  document.addEventListener('focusin', left, true);
  document.addEventListener('keydown', escape, true);
  widget.node.tabIndex = -1;
  Widget.attach(widget, document.body);
  // What is typed before the box is drawn must not fall into the editor that had the caret.
  widget.node.focus();
  widget.onShown = input => {
    input.focus();
    if (early) {
      enter(input, early);
    }
  };
}

/** Put a text into an input that React draws, as if it had been typed. */
function enter(input: HTMLInputElement, text: string): void {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, text);
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Tab goes round in the dialog. */
function keepInside(node: HTMLElement, event: KeyboardEvent): void {
  const stops = [...node.querySelectorAll<HTMLElement>('input, button, [tabindex="0"]')].filter(
    stop => stop.tabIndex >= 0 && stop.offsetParent
  );
  const [first, last] = [stops[0], stops[stops.length - 1]];
  const [edge, other] = event.shiftKey ? [first, last] : [last, first];
  if (document.activeElement === edge) {
    event.preventDefault();
    other?.focus();
  }
}
