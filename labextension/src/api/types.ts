/**
 * The records that the server answers with: one for each frozen record of the Python package, with the same field names.
 * Enums are their values, moments are ISO 8601 in UTC, durations are seconds.
 */

/** How a number was obtained; `n` is a group size. */
export type Basis = 'exact' | 'approx' | 'sample' | 'est' | 'n';

export interface INumber {
  value: number | string | null;
  basis: Basis;
  n: number | null;
  error: number | null;
}

/** A bounded part of a list; `cursor` fetches the next part, null at the end. */
export interface IPage<T> {
  items: readonly T[];
  shown: number;
  total: number;
  cursor: string | null;
}

/** The same call as Python, magic, CLI (and SQL or curl where sensible). */
export type Code = Readonly<Record<string, string>>;

/** One answer of a search. */
export interface IHit {
  ref: string;
  kind: string;
  name: string;
  detail: string;
}

/** Counts of each domain. */
export type Status = Readonly<Record<string, Readonly<Record<string, number>>>>;

/* ---- catalog ---- */

export interface IDataset {
  ref: string;
  name: string;
  namespace: string;
  rows: INumber;
  bytes: number;
  columns: number;
  snapshot: string | null;
  updated_at: string | null;
  owner: string;
  tags: readonly string[];
  description: string;
}

export interface IColumn {
  name: string;
  type: string;
  required: boolean;
  doc: string;
  used_by: readonly string[];
}

export interface IDatasetDetail {
  dataset: IDataset;
  schema: readonly IColumn[];
  location: string;
  snapshots: number;
  newer: number;
  code: Code;
}

export interface ISnapshot {
  ref: string;
  id: string;
  parent: string | null;
  at: string;
  operation: string;
  rows: INumber;
  added: number;
  removed: number;
  written_by: string;
}

/** data[i][j] is column i of row start + j. */
export interface IRowBlock {
  start: number;
  columns: readonly IColumn[];
  data: readonly (readonly unknown[])[];
  shown: number;
  total: number;
  snapshot: string | null;
}

export interface IColumnProfile {
  name: string;
  type: string;
  missing: INumber;
  distinct: INumber;
  min: INumber;
  max: INumber;
  mean: INumber;
  top: INumber;
  shape: readonly number[];
}

export type Tier = 'footer' | 'sample' | 'exact';

export interface IProfile {
  ref: string;
  snapshot: string | null;
  tier: Tier;
  rows: INumber;
  seconds: number;
  columns: readonly IColumnProfile[];
}

/** `output` was made from `input` by `job`; all three are references. */
export interface IEdge {
  input: string;
  output: string;
  job: string;
  at: string;
}

/* ---- features ---- */

export type Freshness = 'fresh' | 'expired' | 'never';

export interface IFeature {
  ref: string;
  name: string;
  view: string;
  type: string;
  description: string;
  fill: INumber | null;
  used_by: readonly string[];
}

export interface IView {
  ref: string;
  name: string;
  entities: readonly string[];
  features: number;
  ttl_seconds: number | null;
  dataset: string | null;
  owner: string;
  tags: Readonly<Record<string, string>>;
  description: string;
  online: boolean;
  freshness: Freshness;
  online_at: string | null;
  source_at: string | null;
}

export interface IViewDetail {
  view: IView;
  features: readonly IFeature[];
  join_keys: readonly string[];
  timestamp_column: string;
  created_column: string | null;
  rows: INumber;
  code: Code;
}

export type OnlineStatus = 'present' | 'expired' | 'not_found';

/** Keys of the three maps are `view:feature`. */
export interface IOnlineRow {
  entity: Readonly<Record<string, unknown>>;
  values: Readonly<Record<string, unknown>>;
  status: Readonly<Record<string, OnlineStatus>>;
  event_at: Readonly<Record<string, string | null>>;
}

/* ---- jobs ---- */

export type JobState = 'queued' | 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';

export interface IJobSpec {
  notebook?: string;
  command?: readonly string[];
  parameters?: Readonly<Record<string, unknown>>;
  name?: string;
  gpus?: number;
  cpus?: number;
  memory_gib?: number | null;
  time_limit_minutes?: number | null;
  priority?: number;
  retries?: number;
}

export interface IJob {
  id: string;
  ref: string;
  name: string;
  state: JobState;
  reason: string;
  exit_code: number | null;
  backend: string;
  user: string;
  notebook: string | null;
  command: readonly string[];
  parameters: Readonly<Record<string, unknown>>;
  gpus: number;
  cpus: number;
  gpu_ids: readonly string[];
  priority: number;
  attempt: number;
  retries: number;
  submitted_at: string;
  started_at: string | null;
  ended_at: string | null;
  elapsed_seconds: number | null;
  progress: INumber | null;
  progress_text: string;
  output: string | null;
  snapshot: string | null;
  labels: Readonly<Record<string, string>>;
  code: Code;
}

/** A byte range of a log; go on from `next`; `ended`: nothing more will come. */
export interface ILogChunk {
  text: string;
  offset: number;
  next: number;
  size: number;
  ended: boolean;
}

export interface IDevice {
  id: string;
  name: string;
  holder: string;
  load: INumber | null;
  memory: INumber | null;
}

export interface ICompute {
  backend: string;
  devices: readonly IDevice[];
  cpus: number;
  cpus_used: number;
  load: INumber;
  memory: INumber;
  disk: INumber;
  running: number;
  waiting: number;
}

/** A parameter of a notebook's `parameters` cell; `default` is Python text or a plain value. */
export interface IParameter {
  name: string;
  type: string;
  default: unknown;
}

/* ---- pipelines ---- */

export type StepState = 'waiting' | 'running' | 'succeeded' | 'cached' | 'failed' | 'skipped' | 'cancelled';
export type RunState = 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface IStepRun {
  name: string;
  state: StepState;
  job: string | null;
  notebook: string | null;
  reason: string;
  started_at: string | null;
  ended_at: string | null;
}

export interface IPipelineRun {
  run: string;
  pipeline: string;
  state: RunState;
  steps: readonly IStepRun[];
  parameters: Readonly<Record<string, unknown>>;
  user: string;
  started_at: string;
  ended_at: string | null;
}

export interface IStep {
  name: string;
  notebook: string;
  inputs: readonly string[];
  outputs: readonly string[];
  parameters: Readonly<Record<string, unknown>>;
  after: readonly string[];
}

export interface IPipeline {
  ref: string;
  name: string;
  path: string;
  steps: number;
  last: readonly RunState[];
  description: string;
}

export interface IPipelineDetail {
  pipeline: IPipeline;
  graph: readonly IStep[];
  runs: readonly IPipelineRun[];
  code: Code;
}

/* ---- experiments ---- */

export interface IExperiment {
  ref: string;
  id: string;
  name: string;
  runs: number;
  updated_at: string | null;
  /** At least `runs`; a remote server does not count them. */
  more: boolean;
}

export interface IRun {
  ref: string;
  id: string;
  name: string;
  experiment: string;
  status: string;
  user: string;
  started_at: string | null;
  ended_at: string | null;
  duration_seconds: number | null;
  metrics: Readonly<Record<string, number>>;
  params: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  notebook: string | null;
  job: string | null;
  step: string | null;
  datasets: readonly string[];
  versions: readonly string[];
}

export interface IDifference {
  kind: string;
  key: string;
  values: readonly (string | number | null)[];
  same: boolean;
}

export interface ICurve {
  run: string;
  metric: string;
  step: readonly number[];
  low: readonly number[];
  mean: readonly number[];
  high: readonly number[];
  total: number;
}

export interface IComparison {
  runs: readonly IRun[];
  rows: readonly IDifference[];
  curves: readonly ICurve[];
  code: Code;
  /** Every metric that has a curve; `curves` holds those of the first few. */
  curve_metrics: readonly string[];
}

export interface IVersion {
  ref: string;
  model: string;
  version: number;
  aliases: readonly string[];
  run: string | null;
  metrics: Readonly<Record<string, number>>;
  created_at: string;
  signature: boolean;
  notebook: string | null;
  datasets: readonly string[];
}

export interface IModel {
  ref: string;
  name: string;
  versions: number;
  aliases: Readonly<Record<string, number>>;
  updated_at: string | null;
  description: string;
}

export interface IModelDetail {
  model: IModel;
  versions: readonly IVersion[];
  code: Code;
}

/* ---- deployments ---- */

export type VersionState = 'building' | 'starting' | 'testing' | 'ready' | 'failed' | 'draining' | 'stopped';
export type DeploymentState = 'healthy' | 'degraded' | 'down';

export interface IGate {
  name: string;
  limit: string;
  measured: string;
  passed: boolean;
}

export interface IDeployedVersion {
  version: string;
  model: string;
  state: VersionState;
  traffic: number;
  role: string;
  reason: string;
  workers: number;
  requests_per_second: INumber | null;
  p50_ms: INumber | null;
  p95_ms: INumber | null;
  error_fraction: INumber | null;
  gates: readonly IGate[];
}

export interface IDeployment {
  ref: string;
  name: string;
  namespace: string;
  target: string;
  state: DeploymentState;
  url: string;
  versions: readonly IDeployedVersion[];
  created_at: string;
  updated_at: string;
}

export interface IChange {
  id: number;
  at: string;
  user: string;
  verb: string;
  text: string;
  reason: string;
  traffic: Readonly<Record<string, number>>;
}

export interface IDeploymentDetail {
  deployment: IDeployment;
  history: readonly IChange[];
  signature: readonly Readonly<Record<string, unknown>>[];
  sample: Readonly<Record<string, unknown>> | null;
  code: Code;
}

export interface IPrediction {
  version: string;
  predictions: readonly unknown[];
  names: readonly string[];
  request_id: string;
  milliseconds: number;
}

/* ---- monitoring ---- */

export type AlertState = 'ok' | 'pending' | 'firing' | 'no_data';

export interface IFeatureDrift {
  feature: string;
  kind: string;
  psi: INumber;
  ks: INumber | null;
  missing_reference: INumber;
  missing_window: INumber;
  edges: readonly (number | string)[];
  reference: readonly number[];
  window: readonly number[];
  drifted: boolean;
}

export interface IAlert {
  ref: string;
  name: string;
  monitor: string;
  state: AlertState;
  severity: string;
  value: INumber | null;
  threshold: number;
  subject: string;
  since: string;
  evaluated_at: string | null;
  text: string;
}

export interface IMonitor {
  ref: string;
  name: string;
  deployment: string;
  state: AlertState;
  requests: INumber;
  worst: string;
  worst_psi: INumber | null;
  evaluated_at: string | null;
  last_request_at: string | null;
}

export interface IMonitorStatus {
  monitor: IMonitor;
  window_start: string | null;
  window_end: string | null;
  reference: string;
  versions: Readonly<Record<string, number>>;
  p50_ms: INumber | null;
  p95_ms: INumber | null;
  error_fraction: INumber | null;
  dropped: number;
  score: IFeatureDrift | null;
  drift: readonly IFeatureDrift[];
  alerts: readonly IAlert[];
  code: Code;
}
