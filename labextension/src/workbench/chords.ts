import { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import { TYPING } from '../components/frame';

/** What Lumino waits for the next key of a chord, in milliseconds. */
const WAIT = 1_000;
const OURS = '.jp-mlinfra-widget, [data-mlinfra-frame]';

type Binding = Pick<CommandRegistry.IKeyBinding, 'keys' | 'selector'>;

/** Whether these keys begin a chord that can be completed where the focus is. */
export const begins = (keys: readonly string[], bindings: readonly Binding[], target: Element): boolean =>
  bindings.some(
    binding =>
      binding.keys.length > keys.length &&
      keys.every((key, index) => key === binding.keys[index]) &&
      target.closest(binding.selector) !== null
  );

/**
 * A chord in progress owns the next key: `Alt M` then `C` opens the Catalog, and copies nothing from the row that has the focus.
 *
 * JupyterLab hears keys last, so the single keys of a list or page would win. Within our widgets the key after the beginning of a
 * chord goes to JupyterLab alone, whether it completes the chord or not. A field takes it as any field of JupyterLab does.
 */
export function ownChords(commands: CommandRegistry, host: EventTarget = window): IDisposable {
  let pressed: readonly string[] = [];
  let until = 0;
  const hear = (event: Event): void => {
    const { target } = event;
    // What Lumino replays after a chord that was not completed is an event of its own making, and no key.
    if (!(event instanceof KeyboardEvent) || !(target instanceof Element)) {
      return;
    }
    const key = CommandRegistry.keystrokeForKeydownEvent(event);
    if (!key || CommandRegistry.isModifierKeyPressed(event)) {
      return;
    }
    const owned = pressed.length > 0 && Date.now() < until;
    const keys = owned ? [...pressed, key] : [key];
    pressed = begins(keys, commands.keyBindings, target) ? keys : [];
    until = Date.now() + WAIT;
    if (owned && target.closest(OURS) && !target.closest(TYPING)) {
      commands.processKeydownEvent(event);
      event.preventDefault();
      event.stopPropagation();
    }
  };
  host.addEventListener('keydown', hear, true);
  return new DisposableDelegate(() => host.removeEventListener('keydown', hear, true));
}
