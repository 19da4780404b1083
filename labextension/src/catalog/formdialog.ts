import '../../style/catalog.css';

import { Dialog } from '@jupyterlab/apputils';
import type { ReactElement } from 'react';

import type { IWorkbench } from '../tokens';
import { FrameWidget } from '../workbench/widget';

const FOCUSABLE = 'input, select, textarea, button, a[href], [tabindex]';

/** Draws the form; it tells what would be answered, null while it cannot be. */
type Form<T> = (onReady: (value: T | null) => void) => ReactElement;

class Body<T> extends FrameWidget implements Dialog.IBodyWidget<T | null> {
  constructor(
    workbench: IWorkbench,
    private readonly _form: Form<T>,
    private readonly _changed: () => void
  ) {
    super(workbench, 'output');
    this.addClass('jp-mlinfra-catalog-register');
  }

  ready: T | null = null;

  getValue(): T | null {
    return this.ready;
  }

  protected override content(): ReactElement {
    return this._form(value => {
      this.ready = value;
      this._changed();
    });
  }
}

/**
 * A dialog that can be accepted only when its form is ready, and in which Tab goes round; keys on a
 * button of the form are that button's, and Enter in a field does nothing where nothing can be undone.
 */
class FormDialog<T> extends Dialog<T | null> {
  constructor(
    private readonly _form: Body<T>,
    private readonly _isFinal: boolean,
    options: Partial<Dialog.IOptions<T | null>>
  ) {
    super({ ...options, body: _form, focusNodeSelector: 'input' });
    this.addClass('jp-mlinfra-catalog-register-dialog');
  }

  override resolve(index?: number): void {
    if (index === 0 || this._form.ready) {
      super.resolve(index);
    }
  }

  override handleEvent(event: Event): void {
    if (event instanceof KeyboardEvent && this._isDone(event)) {
      return;
    }
    super.handleEvent(event);
    this.draw();
  }

  private _isDone(event: KeyboardEvent): boolean {
    const { key, target } = event;
    if (key === 'Enter' && this._form.node.contains(target as Node)) {
      return this._isFinal || target instanceof HTMLButtonElement;
    }
    return key === 'Tab' && this._goRound(event);
  }

  /** The button is as ready as the form. */
  draw(): void {
    const accept = this.node.querySelector<HTMLButtonElement>('.jp-Dialog-footer .jp-mod-accept');
    if (accept) {
      accept.disabled = !this._form.ready;
    }
  }

  /** From the last to the first, and back; whether the key was one for that. */
  private _goRound(event: KeyboardEvent): boolean {
    const all = [...this.node.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
      node => node.tabIndex >= 0 && !node.matches(':disabled')
    );
    const [from, to] = event.shiftKey
      ? [all[0], all[all.length - 1]]
      : [all[all.length - 1], all[0]];
    if (!to || document.activeElement !== from) {
      return false;
    }
    event.stopPropagation();
    event.preventDefault();
    to.focus();
    return true;
  }
}

interface IAsk<T> {
  title: string;
  form: Form<T>;
  cancel?: string;
  accept: string;
  /** It cannot be undone: the button warns, and Enter in a field does not press it. */
  isFinal?: boolean;
}

/** Ask with a form; null where the user goes away. */
export async function askForm<T>(
  workbench: IWorkbench,
  { title, form, cancel, accept, isFinal = false }: IAsk<T>
): Promise<T | null> {
  const body = new Body<T>(workbench, form, () => dialog.draw());
  const button = isFinal ? Dialog.warnButton : Dialog.okButton;
  const dialog = new FormDialog(body, isFinal, {
    title,
    buttons: [Dialog.cancelButton(cancel ? { label: cancel } : {}), button({ label: accept })],
    defaultButton: isFinal ? 0 : 1
  });
  const answer = dialog.launch();
  dialog.draw();
  const { button: pressed, value } = await answer;
  return pressed.accept ? value : null;
}
