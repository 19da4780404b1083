import { kinds } from './kinds';
import { kindOf, labelOf, short } from './refs';
import type { IWorkbench } from './tokens';

/** The name of an object as far as it can be had without a request: runs and jobs have ids. */
export function nameOfSeen({ seen }: IWorkbench, reference: string): string {
  const item = kinds.get(kindOf(reference))?.describe && seen.of(reference);
  const name = item && 'name' in item && typeof item.name === 'string' ? item.name : '';
  return name || short(labelOf(reference));
}
