/**
 * The records that the server answers with, under the names that the front end uses. They are
 * generated from the server's own document (`jlpm types`), so that a field that is renamed there
 * does not compile here.
 */
import type { Need, NEEDS } from './needs';
import type { components } from './schema';

type Records = components['schemas'];

/** A bounded part of a list; `cursor` fetches the next part, null at the end. */
export interface IPage<T> {
  readonly items: readonly T[];
  readonly shown: number;
  readonly total: number;
  readonly cursor: string | null;
  /** What a reader has to know of the list, such as a part that is out of date. */
  readonly note?: string;
  /**
   * Whether the total is that of what was read so far: a remote store does not count what follows.
   */
  readonly more?: boolean;
}

/** How a number was obtained; `n` is a group size. */
export type Basis = Records['Number']['basis'];

/** The same call as Python, magic, CLI (and SQL or curl where sensible). */
export type Code = Readonly<Record<string, string>>;

/** Names by reference. */
export type Names = Readonly<Record<string, string>>;

/** Counts of each domain. */
export type Status = Readonly<Record<string, Readonly<Record<string, number>>>>;

export type Tier = Records['Profile']['tier'];

/** How a figure of a profile was obtained. */
export type Certainty = IColumnProfile['basis'][string];

/** What a job needs; what is not there is as usual. */
export type INeedValues = {
  readonly [K in Need]?: (typeof NEEDS)[K]['kind'] extends 'word' ? string : number;
};

/** What to run; see the server's JobSpec. */
export interface IJobSpec extends INeedValues {
  readonly notebook?: string;
  readonly command?: readonly string[];
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  /** One job each, with these parameters beside the common ones. */
  readonly array?: readonly Readonly<Record<string, unknown>>[];
  readonly max_parallel?: number;
  /** Ids of jobs that have to succeed before. */
  readonly after?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/* shared */

export type INumber = Records['Number'];
export type IHit = Records['Hit'];
export type IHitPage = Records['HitPage'];
export type IProject = Records['ProjectRecord'];
export type IFirstNotebook = Records['FirstNotebook'];

/* catalog */

export type IDataset = Records['Dataset'];
export type IDatasetDetail = Records['DatasetDetail'];
export type ICare = Records['Care'];
export type ICarePlan = Records['CarePlan'];
export type IVerified = Records['Verified'];
export type IVerification = Records['Verification'];
export type IExportedRows = Records['ExportedRows'];
export type IContract = Records['Contract'];
export type IOrphan = Records['Orphan'];
export type IDeleted = Records['Deleted'];
export type ITrashed = Records['Trashed'];
export type IRevealed = Records['Revealed'];
export type INamespace = Records['Namespace'];
export type IColumn = Records['Column'];
export type ISnapshot = Records['Snapshot'];
export type IDiff = Records['Diff'];
export type IRestored = Records['Restored'];
export type IRowBlock = Records['RowBlock'];
export type IGridBlock = Records['GridBlock'];
export type IGridFilter = IGridBlock['query']['filters'][number];
export type IGridSort = IGridBlock['query']['sort'][number];
export type IAggregate = Records['Aggregate'];

/** What a grid shows: rows that fit all filters, grouped, sorted. */
export interface IGridQuery {
  readonly filters: readonly IGridFilter[];
  readonly sort: readonly IGridSort[];
  readonly group: {
    readonly by: readonly string[];
    readonly aggregates: readonly IAggregate[];
  } | null;
}

export type IColumnProfile = Records['ColumnProfile'];
export type IShape = Records['Shape'];
export type IProfile = Records['Profile'];
export type IEdge = Records['Edge'];
export type IExpiryPlan = Records['ExpiryPlan'];
export type IInspection = Records['Inspection'];
export type IReadColumn = Records['ReadColumn'];
export type IReadFile = Records['ReadFile'];
export type IReadDoubt = Records['ReadDoubt'];
export type IQuality = Records['Quality'];
export type IRuleState = Records['RuleState'];
export type IRuleResult = Records['RuleResult'];
export type IWatch = Records['Watch'];
export type Severity = IRuleResult['severity'];

/** Files or a table on their way into a dataset; how text is read is guessed if nothing says it. */
export interface IIngest extends IReadingOptions {
  readonly files: readonly string[];
  readonly into?: string;
  readonly mode?: 'append' | 'replace' | 'upsert';
  /** The columns that tell which row is which. */
  readonly key?: readonly string[];
  readonly again?: boolean;
  /** Of a table of a database: a column by which new rows are known. */
  readonly cursor?: string;
  readonly lookback?: string;
  readonly dry_run?: boolean;
}

/** What is to be read where it is. */
export interface IRegister extends IReadingOptions {
  readonly path: string;
  readonly name: string;
}

/** How text is read. */
export interface IReadingOptions {
  readonly encoding?: string;
  readonly header?: boolean;
  readonly separator?: string;
  readonly skip?: number;
  readonly comment?: string;
  readonly quote?: string;
  readonly decimal?: string;
  readonly thousands?: string;
  readonly date_format?: string;
  readonly null_values?: readonly string[];
  /** The share of rows that may go to quarantine. */
  readonly max_bad?: number;
  readonly types?: Readonly<Record<string, string>>;
  readonly row_names?: boolean;
  /** Of a workbook. */
  readonly sheet?: string;
  /** Of JSON: the field whose list has the rows; '' if each object is one. */
  readonly rows?: string;
  /** Whether a file may lack columns that others have. */
  readonly union?: boolean;
}

/* features */

export type IFeature = Records['Feature'];
export type IView = Records['View'];
export type IViewDetail = Records['ViewDetail'];
export type IService = Records['Service'];
export type IEntity = Records['Entity'];
export type ISavedSet = Records['SavedSet'];
export type IServiceDetail = Records['ServiceDetail'];
export type IOnlineRow = Records['OnlineRow'];
export type IExplained = Records['Explained'];
export type IJudgedRow = Records['JudgedRow'];
export type IHeldWindow = Records['HeldWindow'];
export type IFeatureFigures = Records['FeatureFigures'];
export type IRetagged = Records['Retagged'];
export type IViewComparison = Records['ViewComparison'];
export type IViewStatistics = Records['ViewStatistics'];
export type IUse = Records['Use'];
export type OnlineStatus = Records['OnlineStatus'];
export type Freshness = Records['Freshness'];

/* jobs */

export type IJob = Records['Job'];
export type JobState = Records['JobState'];
export type ILogChunk = Records['LogChunk'];
export type IDevice = Records['Device'];
export type ICompute = Records['Compute'];
export type IParameter = Records['Parameter'];
export type IJobParameter = Records['JobParameter'];
export type IBackend = Records['Backend'];
export type IExecutedNotebook = Records['ExecutedNotebook'];
export type IQueuedJob = Records['QueuedJob'];
export type IEstimate = Records['Estimate'];
export type IAttempt = Records['AttemptRecord'];
export type ICodeSnapshot = Records['CodeSnapshot'];
export type ICodePreview = Records['CodePreview'];
export type ICodeDiff = Records['CodeDiff'];
export type ILogHit = Records['LogHit'];
export type ILogHits = Records['LogHits'];
export type INeeds = Records['Needs'];
export type ITerminal = Records['Terminal'];
export type IResources = Records['Resources'];
export type IResourcePoint = Records['ResourcePoint'];

/* pipelines */

export type IPipeline = Records['Pipeline'];
export type IPipelineDetail = Records['PipelineDetail'];
export type IPipelineRun = Records['PipelineRun'];
export type IStep = Records['Step'];
export type IStepRun = Records['StepRun'];
export type StepState = Records['StepState'];
export type RunState = Records['RunState'];
export type IDraft = Records['Draft'];
export type IFault = Records['Fault'];
export type IEdited = Records['Edited'];
export type IProposal = Records['Proposal'];
export type IBackfill = Records['Backfill'];
export type IExplanation = Records['Explanation'];

/** How a pipeline is run. */
export interface IRunOptions {
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Take nothing from the cache. */
  readonly force?: boolean;
  /** Run this step and what hangs on it. */
  readonly from_step?: string;
}

/* schedules */

export type ISchedule = Records['Schedule'];
export type IFiring = Records['Firing'];
export type IDueTimes = Records['DueTimes'];
export type ISupervisor = Records['Supervisor'];

/** When what is started; see the server's ScheduleSpec. */
export interface IScheduleFacts {
  readonly cron?: string;
  readonly tz?: string;
  readonly pipeline?: string;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly catchup?: ISchedule['catchup'];
  readonly grace_seconds?: number;
  readonly overlap?: ISchedule['overlap'];
}

/* experiments */

export type IExperiment = Records['Experiment'];
export type IRun = Records['Run'];
export type IDifference = Records['Difference'];
export type ICurve = Records['Curve'];
export type IComparison = Records['Comparison'];
export type IVersion = Records['Version'];
export type IModel = Records['Model'];
export type IModelDetail = Records['ModelDetail'];
export type IModelCard = Records['ModelCard'];

/* deployments */

export type IAccessKey = Records['AccessKey'];
export type IAnswerComparison = Records['AnswerComparison'];
export type IAuditEntry = Records['AuditEntry'];
export type ILiveComparison = Records['LiveComparison'];
export type IDeliveryPlan = Records['DeliveryPlan'];
export type INewKey = Records['NewKey'];
export type IDeployment = Records['Deployment'];
export type IDeploymentDetail = Records['DeploymentDetail'];
export type IDeployedVersion = Records['DeployedVersion'];
export type IChange = Records['Change'];
export type IPrediction = Records['Prediction'];
export type IGate = Records['Gate'];
export type ILoggedRequest = Records['LoggedRequest'];
export type ILoggedRequestDetail = Records['LoggedRequestDetail'];
export type ILatencySeries = Records['LatencySeries'];
export type IVersionVerdict = Records['VersionVerdict'];
export type IManifests = Records['Manifests'];
export type IExplainedAnswers = Records['ExplainedAnswers'];
export type IKnownRow = Records['KnownRow'];
export type VersionState = Records['VersionState'];
export type DeploymentState = Records['DeploymentState'];

/* monitoring */

export type IMonitor = Records['Monitor'];
export type IMonitorStatus = Records['MonitorStatus'];
export type ICausePlace = Records['CausePlace'];
export type ICauseSource = Records['CauseSource'];
export type IFeatureCause = Records['FeatureCause'];
export type IFeatureDrift = Records['FeatureDrift'];
export type IMonitorFigures = Records['MonitorFigures'];
export type IHeatMap = Records['HeatMap'];
export type IHeatRow = Records['HeatRow'];
export type IPoint = Records['Point'];
export type IAlertRule = Records['AlertRule'];
export type IAlertChange = Records['AlertChange'];
export type IRuleDraft = Records['RuleDraft'];
export type IDraftRule = Records['DraftRule'];
export type IRuleFault = Records['RuleFault'];
export type IRulesEdited = Records['RulesEdited'];
export type IBacktest = Records['Backtest'];
export type IRuleBacktest = Records['RuleBacktest'];
export type IAlert = Records['Alert'];
export type IAlertNotebook = Records['AlertNotebook'];
export type IAlertDetail = Records['AlertDetail'];
export type IAlertSilence = Records['AlertSilence'];
export type AlertState = Records['AlertState'];
