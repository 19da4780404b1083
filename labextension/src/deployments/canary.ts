import type { IDeliveryPlan, IDeployment } from '../api/types';

/** A deployment with its last plan; undefined where it was not asked for. */
export interface IPlanned extends IDeployment {
  readonly plan?: IDeliveryPlan | null | undefined;
}

/** The canary: the version that answers a part and is not the stable one. */
export const canaryOf = ({ versions }: IDeployment): string | undefined =>
  versions.find(version => version.role === 'canary')?.version;
