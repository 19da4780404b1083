import { catalogClient, type ICatalogClient } from './catalog';
import { deploymentsClient, type IDeploymentsClient } from './deployments';
import { experimentsClient, type IExperimentsClient } from './experiments';
import { featuresClient, type IFeaturesClient } from './features';
import { jobsClient, type IJobsClient } from './jobs';
import { monitoringClient, type IMonitoringClient } from './monitoring';
import { pipelinesClient, type IPipelinesClient } from './pipelines';
import type { Request } from './request';
import { type ISchedulesClient, schedulesClient } from './schedules';
import type { Code, IFirstNotebook, IHitPage, IProject, Names, Status } from './types';

/** A call whose code is asked for, such as what a form is about to send. */
export interface ICodeCall {
  readonly call: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** By what a search is narrowed: one of the owners and of the namespaces, all of the tags. */
export interface IFacets {
  readonly owner?: readonly string[];
  readonly tag?: readonly string[];
  readonly namespace?: readonly string[];
}

/**
 * Everything that the front end asks of the server: one interface for each domain. A test hands in
 * its own.
 */
export interface IClient {
  readonly catalog: ICatalogClient;
  readonly features: IFeaturesClient;
  readonly jobs: IJobsClient;
  readonly pipelines: IPipelinesClient;
  readonly schedules: ISchedulesClient;
  readonly experiments: IExperimentsClient;
  readonly deployments: IDeploymentsClient;
  readonly monitoring: IMonitoringClient;
  /** Objects of every domain whose name, columns, tags, owner or notes hold all words. */
  search: (
    words: string,
    kinds: readonly string[],
    limit: number,
    signal?: AbortSignal,
    facets?: IFacets
  ) => Promise<IHitPage>;
  /** The code of objects, or of a call, by every door. */
  code: (of: readonly string[] | ICodeCall, signal?: AbortSignal) => Promise<Code>;
  /** Names of objects whose references hold an id, by reference, in one request for all. */
  names: (refs: readonly string[], signal?: AbortSignal) => Promise<Names>;
  status: (signal?: AbortSignal) => Promise<Status>;
  /** The project of this server: its name, and where it lies. */
  project: (signal?: AbortSignal) => Promise<IProject>;
  /** Make the folder of this server a project. */
  init: () => Promise<IProject>;
  /** The notebook of the project's first steps, made where there is none. */
  firstSteps: () => Promise<IFirstNotebook>;
}

/** Each value is escaped: one may hold the comma that stands between two. */
const joined = (facets: IFacets): Record<string, string> =>
  Object.fromEntries(
    Object.entries(facets).map(([name, values]: [string, readonly string[]]) => [
      name,
      values.map(encodeURIComponent).join(',')
    ])
  );

export function createClient(request: Request): IClient {
  return {
    catalog: catalogClient(request),
    features: featuresClient(request),
    jobs: jobsClient(request),
    pipelines: pipelinesClient(request),
    schedules: schedulesClient(request),
    experiments: experimentsClient(request),
    deployments: deploymentsClient(request),
    monitoring: monitoringClient(request),
    search: (words, kinds, limit, signal, facets = {}) =>
      request('workbench/search', {
        query: { q: words, kinds: kinds.join(','), limit, ...joined(facets) },
        signal
      }),
    code: (of, signal) =>
      request('workbench/code', { body: 'call' in of ? { ...of } : { refs: of }, signal }),
    names: (refs, signal) => request('workbench/names', { body: { refs }, signal }),
    status: signal => request('workbench/status', { signal }),
    project: signal => request('workbench/project', { signal }),
    init: () => request('workbench/init', { body: {} }),
    firstSteps: () => request('workbench/first-steps', { body: {} })
  };
}
