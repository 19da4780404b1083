import { pathOf, type Request } from '../request';
import type { IContract, IJob, IQuality, Severity } from '../types';
import { ROOT } from './datasets';

/** A rule to add, a rule to take away by its name, or one in place of the other. */
export interface IRuleChange {
  /** What it demands, in words. */
  readonly add?: string;
  readonly severity?: Severity;
  /** Its name; by default its words. */
  readonly rule?: string;
  readonly remove?: string;
}

/** The rules of datasets. */
export interface IQualityClient {
  /** Rules with their newest results, and whether the dataset is late or short. */
  quality: (name: string, signal?: AbortSignal) => Promise<IQuality>;
  /** Ask all rules of all rows. */
  askRules: (name: string) => Promise<IJob>;
  changeRules: (name: string, change: IRuleChange) => Promise<IQuality>;
  /** Write its columns and rules to a new file of the project, or take the rules of one. */
  contract: (name: string, what: 'export' | 'import', file: string) => Promise<IContract>;
}

export const qualityClient = (request: Request): IQualityClient => ({
  quality: (name, signal) => request(`${ROOT}/${pathOf(name)}/quality`, { signal }),
  askRules: name => request(`${ROOT}/${pathOf(name)}/quality/run`, { body: {} }),
  changeRules: (name, change) => request(`${ROOT}/${pathOf(name)}/rules`, { body: { ...change } }),
  contract: (name, what, file) =>
    request(`${ROOT}/${pathOf(name)}/contract/${what}`, { body: { file } })
});
