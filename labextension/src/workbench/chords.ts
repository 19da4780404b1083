import { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import { TYPING } from '../components/keyed';

/** What Lumino waits for the next key of a chord, in milliseconds. */
const WAIT = 1_000;
const OURS = '.jp-mlinfra-widget, [data-mlinfra-frame]';

/** Lumino hears no keys in here: those of the notebook would act on the cell around. */
const SUPPRESSED = '[data-lm-suppress-shortcuts]';

type Binding = CommandRegistry.IKeyBinding;

/**
 * Chords of ours that these keys are, or begin, where the focus is. Those of others, such as `I I`
 * of a notebook, have no say in our rows.
 */
const chords = (
  keys: readonly string[],
  bindings: readonly Binding[],
  target: Element
): Binding[] =>
  bindings.filter(
    binding =>
      binding.command.startsWith('mlinfra:') &&
      binding.keys.length > 1 &&
      keys.every((key, index) => key === binding.keys[index]) &&
      target.closest(binding.selector) !== null
  );

/** The arguments with which Lumino runs a binding: they say that a key was pressed. */
const argsOf = ({ keys, args }: Binding): ReadonlyPartialJSONObject => ({
  _luminoEvent: { type: 'keybinding', keys: [...keys] },
  ...args
});

/** Run the command of a single key of ours, where Lumino does not; says whether there is one. */
function single(commands: CommandRegistry, key: string, target: Element): boolean {
  const found = commands.keyBindings.find(
    binding =>
      binding.command.startsWith('mlinfra:') &&
      binding.keys.length === 1 &&
      binding.keys[0] === key &&
      target.closest(binding.selector) !== null &&
      commands.isEnabled(binding.command, argsOf(binding))
  );
  if (found) {
    void commands.execute(found.command, argsOf(found));
  }
  return found !== undefined;
}

/** Run the chord that these keys complete, where Lumino does not. */
function complete(commands: CommandRegistry, found: readonly Binding[], length: number): void {
  const chord = found.find(({ keys }) => keys.length === length);
  if (chord && commands.isEnabled(chord.command, argsOf(chord))) {
    void commands.execute(chord.command, argsOf(chord));
  }
}

/**
 * A chord in progress owns the next key: `Alt M` then `C` opens the Catalog, and copies nothing
 * from the row that has the focus.
 *
 * JupyterLab hears keys last, so the single keys of a list or page would win. Within our widgets
 * the key after the beginning of a chord goes to JupyterLab alone, whether it completes the chord
 * or not. A field takes it as any field of JupyterLab does.
 */
export function ownChords(commands: CommandRegistry, host: EventTarget = window): IDisposable {
  let pressed: readonly string[] = [];
  let until = 0;
  const hear = (event: Event): void => {
    const { target } = event;
    // What Lumino replays after a chord that was not completed is an event of its own making, and
    // no key.
    if (!(event instanceof KeyboardEvent) || !(target instanceof Element)) {
      return;
    }
    const key = CommandRegistry.keystrokeForKeydownEvent(event);
    if (!key || CommandRegistry.isModifierKeyPressed(event)) {
      return;
    }
    const owned = pressed.length > 0 && Date.now() < until;
    const alone = !owned && target.closest(SUPPRESSED) && target.closest(OURS);
    if (alone && !target.closest(TYPING) && single(commands, key, target)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const keys = owned ? [...pressed, key] : [key];
    const found = chords(keys, commands.keyBindings, target);
    pressed = found.some(chord => chord.keys.length > keys.length) ? keys : [];
    until = Date.now() + WAIT;
    if (owned && target.closest(OURS) && !target.closest(TYPING)) {
      if (target.closest(SUPPRESSED)) {
        complete(commands, found, keys.length);
      } else {
        commands.processKeydownEvent(event);
      }
      event.preventDefault();
      event.stopPropagation();
    }
  };
  host.addEventListener('keydown', hear, true);
  return new DisposableDelegate(() => host.removeEventListener('keydown', hear, true));
}
