import type { IStep } from '../api/types';
import { parseRef } from '../refs';

const KINDS = ['dataset', 'view', 'model', 'version', 'experiment', 'deployment', 'monitor'];

/** The reference that a text is; null for a path. */
export const referenceOf = (text: string): string | null => {
  const parsed = parseRef(text);
  return parsed && KINDS.includes(parsed.kind) ? text : null;
};

/** Whether making one thing gives (part of) another; the server's `feeds` is the rule. */
export function feeds(made: string, taken: string): boolean {
  const inside = (inner: string, outer: string): boolean =>
    inner.startsWith(`${outer.replace(/\/$/, '')}/`);
  if (made === taken) {
    return true;
  }
  if (referenceOf(made) || referenceOf(taken)) {
    return !made.includes('@') && taken.split('@')[0] === made;
  }
  return inside(made, taken) || inside(taken, made);
}

/**
 * The steps that must have run before one, however far back: a link from it to any of them would
 * close a circle.
 */
export function before(
  graph: readonly Pick<IStep, 'name' | 'after'>[],
  name: string,
  found = new Set<string>()
): ReadonlySet<string> {
  for (const earlier of graph.find(step => step.name === name)?.after ?? []) {
    if (!found.has(earlier)) {
      before(graph, earlier, found.add(earlier));
    }
  }
  return found;
}
