import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { errorText } from '../components/explain';
import { done, failed } from '../components/confirm';
import { kinds } from '../kinds';
import { kindOf, nameOf } from '../refs';
import type { IActionSpec, IWorkbench } from '../tokens';

/**
 * Do what an action does; say what was done, with its undo, or what went wrong. Says whether it was
 * done.
 */
export async function perform(
  workbench: IWorkbench,
  spec: IActionSpec,
  ref: string,
  args: ReadonlyPartialJSONObject
): Promise<boolean> {
  const { commands, events, seen, trans } = workbench;
  const own = workbench.pointer.frame?.workbench ?? workbench;
  try {
    const run = await spec.run?.();
    const item = seen.of(ref);
    const outcome = await run?.({ workbench: own, ref, name: nameOf(ref), item, args });
    if (outcome === null) {
      return false;
    }
    const topic = kinds.get(kindOf(ref))?.topic;
    if (topic && !spec.harmless) {
      events.tell({ topic, ref, data: {} });
    }
    if (outcome?.message) {
      const { undo } = outcome;
      done(
        outcome.message,
        trans,
        undo && {
          label: trans.__('Undo'),
          run: () => void commands.execute(undo.command, undo.args)
        }
      );
    }
  } catch (error) {
    failed(errorText(error, trans), trans);
    return false;
  }
  return true;
}
