import { formatRef, parseRef } from '../refs';
import { type How, HOWS } from './deployform';

/** What the form begins with. */
export interface IDeployTarget {
  /** Null: it asks for the version. */
  version: { model: string; number: string } | null;
  /** The deployment; null: that of the model's name. */
  name: string | null;
  how: How | null;
}

/**
 * The page of the form for a version (`['churn', '8']`), or for any; in a deployment, and how, where
 * that is chosen already.
 */
export const deployRef = (
  version: readonly [model: string, number: string] | null,
  name?: string,
  how?: How
): string =>
  formatRef('deploying', version ?? 'new', [name, how].filter(Boolean).join('/') || null);

/** What such a reference says. */
export function deployTarget(reference: string): IDeployTarget {
  const { parts = [], at = null } = parseRef(reference) ?? {};
  const [model = '', number] = parts;
  const [name = '', word] = at?.split('/') ?? [];
  return {
    version: number === undefined ? null : { model, number },
    name: name || null,
    how: HOWS.find(how => how === word) ?? null
  };
}
