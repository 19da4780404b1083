import type { IDeployedVersion } from '../api/types';

export type Weights = Readonly<Record<string, number>>;

export interface IWeightsCheck {
  /** Whole percents that add up to 100; null while they do not. */
  weights: Weights | null;
  sum: number;
}

/** The share that a field says: a whole percent, 0 to 100; null for anything else. */
export function shareOf(text: string): number | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= 0 && value <= 100 ? value : null;
}

/** The weights in the fields, checked: whole, 0 to 100, together 100. */
export function checkWeights(fields: Readonly<Record<string, string>>): IWeightsCheck {
  const texts = Object.entries(fields);
  const good = texts.flatMap(([version, text]): [string, number][] => {
    const share = shareOf(text);
    return share === null ? [] : [[version, share]];
  });
  const sum = texts.reduce((total, [, text]) => total + (Number(text) || 0), 0);
  return {
    weights: good.length === texts.length && sum === 100 ? Object.fromEntries(good) : null,
    sum
  };
}

/** The traffic as it stands. */
export const weightsOf = (versions: readonly IDeployedVersion[]): Weights =>
  Object.fromEntries(
    versions.filter(({ traffic }) => traffic > 0).map(({ version, traffic }) => [version, traffic])
  );

/** The traffic in words. */
export const words = (weights: Weights): string =>
  Object.entries(weights)
    .map(([version, value]) => `${version} ${value} %`)
    .join(', ');

/** The fields as the traffic stands. */
export const fieldsOf = (versions: readonly IDeployedVersion[]): Record<string, string> =>
  Object.fromEntries(
    versions
      .filter(version => version.state === 'ready' || version.traffic > 0)
      .map(({ version, traffic }) => [version, String(traffic)])
  );

/** Whether there is another traffic than this one: a version that has all, alone, keeps it. */
export const canChange = (versions: readonly IDeployedVersion[]): boolean =>
  Object.values(fieldsOf(versions)).some(share => share !== '100');

/** After a change of one of two versions, the other takes the rest. */
export function balanced(
  fields: Readonly<Record<string, string>>,
  version: string,
  text: string
): Record<string, string> {
  const next = { ...fields, [version]: text };
  const others = Object.keys(fields).filter(name => name !== version);
  const share = shareOf(text);
  const [other] = others;
  if (others.length === 1 && other && share !== null) {
    next[other] = String(100 - share);
  }
  return next;
}

/** Traffic that something leads to, in words: a version that gets all of it is named alone. */
export const reached = (weights: Weights): string => {
  const names = Object.keys(weights);
  return names.length === 1 ? names.join() : words(weights);
};
