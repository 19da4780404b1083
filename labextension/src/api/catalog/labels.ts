import type { IPaging } from '../paging';
import { pathOf, type Request } from '../request';
import type { IDatasetDetail, INamespace, IPage } from '../types';
import { ROOT } from './datasets';

/** What people say of a dataset or a column; what is undefined stays. */
export interface ILabels {
  /** Of a dataset. */
  readonly owner?: string;
  readonly description?: string;
  /** All of them. */
  readonly tags?: readonly string[];
}

/** What people say of datasets, and by what they are found. */
export interface ILabelsClient {
  describe: (name: string, labels: ILabels) => Promise<IDatasetDetail>;
  describeColumn: (name: string, column: string, labels: ILabels) => Promise<IDatasetDetail>;
  /** Namespaces by name, with the number of datasets in each. */
  namespaces: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<INamespace>>;
}

export const labelsClient = (request: Request): ILabelsClient => ({
  describe: (name, labels) => request(`${ROOT}/${pathOf(name)}/description`, { body: labels }),
  describeColumn: (name, column, labels) =>
    request(`${ROOT}/${pathOf(name)}/columns/${pathOf(column)}`, { body: labels }),
  namespaces: (options = {}, signal) =>
    request('catalog/namespaces', { query: { ...options }, signal })
});
