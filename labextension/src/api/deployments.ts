import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IAccessKey,
  IAnswerComparison,
  IAuditEntry,
  IChange,
  IDeliveryPlan,
  IDeployment,
  IDeploymentDetail,
  IExplainedAnswers,
  IJob,
  IKnownRow,
  ILatencySeries,
  ILiveComparison,
  ILoggedRequest,
  ILoggedRequestDetail,
  IManifests,
  INewKey,
  IPage,
  IPrediction,
  IVersionVerdict
} from './types';

const ROOT = 'deployments/deployments';

/** Which requests of the payload log; since: seconds ago. */
export interface IRequestQuery extends IPaging {
  version?: string;
  outcome?: 'answered' | 'refused' | 'failed' | null;
  since?: number | null;
}

export interface IManifestQuery {
  kind: 'seldon-v1' | 'core2' | 'kserve';
  image?: string;
  model_uri?: string;
  namespace?: string;
  replicas?: number;
}

/** How a version is deployed; what is left out is as the command line has it. */
export interface IDeployWish {
  /** `model/3` or `model@champion` */
  version: string;
  name?: string;
  /** Percent; without it all for the first version, none for a further one. */
  traffic?: number | null;
  shadow?: boolean;
  /** Percent of the requests that a shadow gets a copy of. */
  copies?: number;
  steps?: readonly number[];
  /** Seconds that each step lasts. */
  every?: number;
  least_requests?: number;
  goal?: 'reward' | 'kpi' | 'error';
  better?: 'higher' | 'lower';
  answers?: 'classes' | 'probabilities' | null;
  runtime?: string;
  workers?: number;
  target?: 'local' | 'kubernetes';
  /** `view` or `view:feature` */
  features?: readonly string[];
  missing?: 'error' | 'null' | 'default';
  /** `COLUMN=VALUE` */
  default?: readonly string[];
  reason?: string;
  /** Why it gets traffic although tests fail. */
  override?: string;
}

/** Deployments, their traffic and their answers. */
export interface IDeploymentsClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IDeployment>>;
  show: (name: string, signal?: AbortSignal) => Promise<IDeploymentDetail>;
  /** A job. */
  deploy: (wish: IDeployWish) => Promise<IJob>;
  traffic: (
    name: string,
    weights: Readonly<Record<string, number>>,
    reason: string
  ) => Promise<IDeployment>;
  promote: (name: string, version: string) => Promise<IDeployment>;
  rollback: (name: string) => Promise<IDeployment>;
  /** body: a request body of Seldon's protocol. */
  predict: (name: string, body: unknown, version?: string) => Promise<IPrediction>;
  /** Changes, newest first. */
  history: (name: string, options: IPaging, signal?: AbortSignal) => Promise<IPage<IChange>>;
  /** Rows of the payload log, newest first. */
  requests: (
    name: string,
    options: IRequestQuery,
    signal?: AbortSignal
  ) => Promise<IPage<ILoggedRequest>>;
  request: (
    name: string,
    row: Pick<ILoggedRequest, 'id' | 'at' | 'row'>,
    signal?: AbortSignal
  ) => Promise<ILoggedRequestDetail>;
  /** since: seconds that it reaches back. */
  latency: (name: string, since: number, signal?: AbortSignal) => Promise<ILatencySeries>;
  verdict: (
    name: string,
    options: { control: string; treatment: string; measure: IVersionVerdict['measure'] },
    signal?: AbortSignal
  ) => Promise<IVersionVerdict>;
  /** A version, such as `churn/3`, beside the one that is live. */
  compare: (name: string, version: string, signal?: AbortSignal) => Promise<ILiveComparison>;
  manifest: (name: string, options: IManifestQuery, signal?: AbortSignal) => Promise<IManifests>;
  /** What each input contributed to the answers to a body. */
  explain: (name: string, body: unknown, version?: string) => Promise<IExplainedAnswers>;
  /** Rows to try it with: logged ones, newest first, then those of the model's sample. */
  rows: (name: string, signal?: AbortSignal) => Promise<IPage<IKnownRow>>;
  /** Keys, newest first, without the keys themselves. */
  keys: (name: string, options: IPaging, signal?: AbortSignal) => Promise<IPage<IAccessKey>>;
  /** label: who will use it. days: until it expires; null: never. */
  createKey: (name: string, label: string, days: number | null) => Promise<INewKey>;
  /** grace: hours for which the present key stays valid. */
  rotateKey: (name: string, key: string, grace: number) => Promise<INewKey>;
  revokeKey: (name: string, key: string, reason: string) => Promise<IAccessKey>;
  /** Who changed what, newest first. */
  audit: (name: string, options: IPaging, signal?: AbortSignal) => Promise<IPage<IAuditEntry>>;
  pause: (name: string) => Promise<IDeliveryPlan>;
  resume: (name: string) => Promise<IDeliveryPlan>;
  /** What a shadow has answered in the last hours, beside the answers that were given. */
  shadow: (
    name: string,
    options: { version: string; hours: number },
    signal?: AbortSignal
  ) => Promise<IAnswerComparison>;
  /** Give a version copies of so many percent of the requests; 0: no more. */
  copy: (name: string, version: string, percent: number) => Promise<IDeployment>;
  /** Send the logged requests of the last hours to a version: a job. */
  replay: (name: string, version: string, hours: number) => Promise<IJob>;
}

export function deploymentsClient(request: Request): IDeploymentsClient {
  const verb = (name: string, action: string): string => `${ROOT}/${pathOf(name)}/${action}`;
  const ask =
    (action: string) =>
    <T>(name: string, query: object, signal?: AbortSignal): Promise<T> =>
      request(verb(name, action), { query: { ...query }, signal });
  return {
    history: ask('history'),
    requests: ask('requests'),
    request: (name, { id, at, row }, signal) => ask('request')(name, { id, at, row }, signal),
    latency: (name, since, signal) => ask('latency')(name, { since }, signal),
    verdict: ask('verdict'),
    compare: (name, version, signal) => ask('compare')(name, { version }, signal),
    manifest: ask('manifest'),
    list: (options = {}, signal) => request(ROOT, { query: { ...options }, signal }),
    show: (name, signal) => request(`${ROOT}/${pathOf(name)}`, { signal }),
    deploy: wish => request(ROOT, { body: wish }),
    traffic: (name, traffic, reason) =>
      request(verb(name, 'traffic'), { body: { traffic, reason } }),
    promote: (name, version) => request(verb(name, 'promote'), { body: { version } }),
    rollback: name => request(verb(name, 'rollback'), { body: {} }),
    predict: (name, rows, version) =>
      request(verb(name, 'predict'), { body: version ? { rows, version } : { rows } }),
    explain: (name, rows, version) =>
      request(verb(name, 'explain'), { body: version ? { rows, version } : { rows } }),
    rows: (name, signal) => request(verb(name, 'rows'), { signal }),
    keys: ask('keys'),
    createKey: (name, label, days) => request(verb(name, 'keys'), { body: { label, days } }),
    rotateKey: (name, key, grace) =>
      request(verb(name, 'keys/rotate'), { body: { key, grace_hours: grace } }),
    revokeKey: (name, key, reason) => request(verb(name, 'keys/revoke'), { body: { key, reason } }),
    audit: (name, options, signal) =>
      request('deployments/audit', { query: { name, ...options }, signal }),
    pause: name => request(verb(name, 'plan/pause'), { body: {} }),
    resume: name => request(verb(name, 'plan/resume'), { body: {} }),
    shadow: ask('shadow'),
    copy: (name, version, percent) => request(verb(name, 'shadow'), { body: { version, percent } }),
    replay: (name, version, hours) => request(verb(name, 'replay'), { body: { version, hours } })
  };
}
