import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';

const PALETTE = '.lm-CommandPalette';
/** Milliseconds between two looks at the commands while a palette has the focus. */
const LOOK_MS = 250;

/**
 * Keeps an open palette up to date. Whether a command can be done depends on the row that is meant
 * and on what is known of its object, which may be drawn or answered only after the palette was
 * opened; a palette asks again only when it is told of a change. It is told of true changes alone:
 * each time it goes back to its first item.
 */
export class PaletteWatch implements IDisposable {
  /** offered: the commands that palettes show. */
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _offered: ReadonlySet<string>
  ) {}

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** A palette has the focus: its commands may mean another object than at the last time. */
  readonly opened = (): void => {
    this._tell();
    this._timer ??= setInterval(this._look, LOOK_MS);
  };

  dispose(): void {
    this._disposed = true;
    this._stop();
  }

  private readonly _look = (): void => {
    if (!document.activeElement?.closest(PALETTE)) {
      this._stop();
    } else if (this._state() !== this._told) {
      this._tell();
    }
  };

  private _tell(): void {
    this._told = this._state();
    this._commands.notifyCommandChanged();
  }

  private _stop(): void {
    clearInterval(this._timer);
    this._timer = undefined;
  }

  /** What a palette shows of the commands. */
  private _state(): string {
    const commands = this._commands;
    return JSON.stringify(
      [...this._offered].map(id => [
        commands.isVisible(id),
        commands.isEnabled(id),
        commands.label(id),
        commands.caption(id)
      ])
    );
  }

  private _timer: ReturnType<typeof setInterval> | undefined;
  private _told = '';
  private _disposed = false;
}
