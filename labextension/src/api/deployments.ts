import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IDeployment,
  IDeploymentDetail,
  IExplainedAnswers,
  IJob,
  IKnownRow,
  IPage,
  IPrediction
} from './types';

const ROOT = 'deployments/deployments';

/** Deployments, their traffic and their answers. */
export interface IDeploymentsClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IDeployment>>;
  show: (name: string, signal?: AbortSignal) => Promise<IDeploymentDetail>;
  /** A job. version: `model/3` or `model@champion`. */
  deploy: (options: {
    name?: string;
    version: string;
    traffic?: number | null;
    answers?: 'classes' | 'probabilities' | null;
    reason?: string;
  }) => Promise<IJob>;
  traffic: (
    name: string,
    weights: Readonly<Record<string, number>>,
    reason: string
  ) => Promise<IDeployment>;
  promote: (name: string, version: string) => Promise<IDeployment>;
  rollback: (name: string) => Promise<IDeployment>;
  /** body: a request body of Seldon's protocol. */
  predict: (name: string, body: unknown, version?: string) => Promise<IPrediction>;
  /** What each input contributed to the answers to a body. */
  explain: (name: string, body: unknown, version?: string) => Promise<IExplainedAnswers>;
  /** Rows to try it with: logged ones, newest first, then those of the model's sample. */
  rows: (name: string, signal?: AbortSignal) => Promise<IPage<IKnownRow>>;
}

export function deploymentsClient(request: Request): IDeploymentsClient {
  const verb = (name: string, action: string): string => `${ROOT}/${pathOf(name)}/${action}`;
  return {
    list: (options = {}, signal) => request(ROOT, { query: { ...options }, signal }),
    show: (name, signal) => request(`${ROOT}/${pathOf(name)}`, { signal }),
    deploy: options => request(ROOT, { body: options }),
    traffic: (name, traffic, reason) =>
      request(verb(name, 'traffic'), { body: { traffic, reason } }),
    promote: (name, version) => request(verb(name, 'promote'), { body: { version } }),
    rollback: name => request(verb(name, 'rollback'), { body: {} }),
    predict: (name, rows, version) =>
      request(verb(name, 'predict'), { body: version ? { rows, version } : { rows } }),
    explain: (name, rows, version) =>
      request(verb(name, 'explain'), { body: version ? { rows, version } : { rows } }),
    rows: (name, signal) => request(verb(name, 'rows'), { signal })
  };
}
