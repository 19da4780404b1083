import type { IChange, IDeployedVersion } from '../api/types';
import { type Weights } from './weights';

/** What can be done about a change: go back to the traffic before it, or why not. */
export interface IUndoing {
  /** The traffic before it. */
  weights?: Weights;
  /** How many later changes are taken back with it. */
  later: number;
  why?: 'unmoved' | 'first' | 'gone' | 'undone';
}

const sharing = (traffic: Weights): Weights =>
  Object.fromEntries(Object.entries(traffic).filter(([, share]) => share > 0));

const same = (a: Weights, b: Weights): boolean =>
  Object.keys({ ...a, ...b }).every(version => (a[version] ?? 0) === (b[version] ?? 0));

/**
 * How each change is undone. history: newest first, with the change before the last one that is
 * asked about. A change that moved no traffic has nothing to undo; one whose traffic before it was
 * that of a version that has left cannot be.
 */
export function undoings(
  history: readonly IChange[],
  versions: readonly IDeployedVersion[]
): readonly IUndoing[] {
  const ready = new Set(
    versions.filter(({ state }) => state === 'ready').map(({ version }) => version)
  );
  const present = sharing(history[0]?.traffic ?? {});
  return history.map((_, index) => {
    const before = sharing(history[index + 1]?.traffic ?? {});
    const later = history.slice(0, index).filter((_later, place) => moved(history, place)).length;
    if (!moved(history, index)) {
      return { later, why: 'unmoved' };
    }
    if (!Object.keys(before).length) {
      return { later, why: 'first' };
    }
    if (!Object.keys(before).every(version => ready.has(version))) {
      return { later, why: 'gone' };
    }
    return same(before, present) ? { later, why: 'undone' } : { weights: before, later };
  });
}

/** Whether a change moved traffic. */
const moved = (history: readonly IChange[], index: number): boolean =>
  !same(sharing(history[index]?.traffic ?? {}), sharing(history[index + 1]?.traffic ?? {}));
