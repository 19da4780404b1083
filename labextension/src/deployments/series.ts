import type { IDeployedVersion } from '../api/types';
import { formatRef } from '../refs';

const SERIES: Readonly<Record<string, number>> = { stable: 1, canary: 3, shadow: 4 };

/** The colour of a version by its role, wherever it is drawn. */
export const seriesOf = ({ role }: Pick<IDeployedVersion, 'role'>): number => SERIES[role] ?? 6;

/** The name of a deployed model: that of `models:/flights/2` is `flights`. */
export const modelOf = ({ model }: Pick<IDeployedVersion, 'model'>): string =>
  model.replace('models:/', '').split('/')[0] ?? '';

/** The reference of the model version behind a deployed one: `v3` of flights is `flights/3`. */
export const versionRef = ({
  model,
  version
}: Pick<IDeployedVersion, 'model' | 'version'>): string =>
  formatRef('version', [modelOf({ model }), version.slice(1)]);
