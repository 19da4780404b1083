import type { IDeployedVersion, IDeployment } from '../api/types';

export type Weights = Readonly<Record<string, number>>;

export interface IWeightsCheck {
  /** Whole percents that add up to 100; null while they do not. */
  weights: Weights | null;
  sum: number;
}

/** The weights in the fields, checked: whole, 0 to 100, together 100. */
export function checkWeights(fields: Readonly<Record<string, string>>): IWeightsCheck {
  const entries = Object.entries(fields).map(([version, text]): [string, number] => [
    version,
    text.trim() === '' ? Number.NaN : Number(text)
  ]);
  const good = entries.every(([, value]) => Number.isInteger(value) && value >= 0 && value <= 100);
  const sum = entries.reduce((total, [, value]) => total + (Number.isFinite(value) ? value : 0), 0);
  return { weights: good && sum === 100 ? Object.fromEntries(entries) : null, sum };
}

/** The canary: the version that answers a part and is not the stable one. */
export const canaryOf = ({ versions }: IDeployment): string | undefined =>
  versions.find(version => version.role === 'canary')?.version;

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

/** After a change of one of two versions, the other takes the rest. */
export function balanced(
  fields: Readonly<Record<string, string>>,
  version: string,
  text: string
): Record<string, string> {
  const next = { ...fields, [version]: text };
  const others = Object.keys(fields).filter(name => name !== version);
  const value = Number(text);
  const [other] = others;
  if (
    others.length === 1 &&
    other &&
    text.trim() !== '' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= 100
  ) {
    next[other] = String(100 - value);
  }
  return next;
}
