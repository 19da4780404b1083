/* Generated from docs/openapi.json by `jlpm types`; not to be edited. */

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AccessKey
         * @description A key of a deployment, without the key itself. state: whether it opens anything now.
         */
        readonly AccessKey: {
            /** Format: date-time */
            readonly created_at: string;
            readonly created_by: string;
            readonly deployment: string;
            readonly expires_at: string | null;
            readonly id: string;
            readonly name: string;
            readonly revoked_at: string | null;
            /** @enum {string} */
            readonly state: "active" | "expired" | "revoked";
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AccessKeyPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AccessKey"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AccessLimits
         * @description What the gateway takes of callers, by the settings. rate: requests a second, at each of its
         *     two processes; 0: any number. body_mib: of a request. connections: of other machines at once, at
         *     each of the two. key_needed: whether callers on this machine need a key too.
         */
        readonly AccessLimits: {
            readonly body_mib: number;
            readonly connections: number;
            readonly key_needed: boolean;
            readonly rate: number;
        };
        /**
         * Acknowledgement
         * @description Somebody looks after an alert; it lasts until the alert ends.
         */
        readonly Acknowledgement: {
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            readonly why: string;
        };
        /**
         * Aggregate
         * @description A figure of each group. distinct: how many values there are, the missing one included.
         */
        readonly Aggregate: {
            readonly column: string;
            /** @enum {string} */
            readonly function: "sum" | "mean" | "min" | "max" | "distinct";
        };
        /**
         * AggregateFacts
         * @description A figure of each group.
         */
        readonly AggregateFacts: {
            readonly column: string;
            /** @enum {string} */
            readonly function: "sum" | "mean" | "min" | "max" | "distinct";
        };
        /**
         * Alert
         * @description One alert at its last evaluation: value and threshold. since: when its state began.
         *
         *     name: of its rule. labels: those that its rule keeps apart. count: how many alerts of the rule
         *     this line stands for, 1 for one; `ref` then names all alerts of the rule, and `subject` says how
         *     many these are. subject: the feature, segment or version of the worst value. window_start,
         *     window_end: the time in which the threshold was crossed, in the present episode or the last one.
         *     held_back_by: why nobody is told: the rule that inhibits it while it fires, or the file that
         *     silences it. hold_seconds: how long its rule waits before it fires. cause: the likely one in a
         *     few words; empty before one was found. owner: who looks after it, by its rule or the project;
         *     empty if neither says so.
         */
        readonly Alert: {
            /** @default null */
            readonly acknowledged: components["schemas"]["Acknowledgement"] | null;
            /** @default  */
            readonly cause: string;
            /** @default 1 */
            readonly count: number;
            readonly evaluated_at: string | null;
            /** @default  */
            readonly group: string;
            /** @default  */
            readonly held_back_by: string;
            /** @default 0 */
            readonly hold_seconds: number;
            readonly labels: {
                readonly [key: string]: string;
            };
            /** @default  */
            readonly metric: string;
            readonly monitor: string;
            readonly name: string;
            /** @default >= */
            readonly op: string;
            /** @default  */
            readonly owner: string;
            readonly ref: string;
            /** @default null */
            readonly resolved_at: string | null;
            /** @default  */
            readonly runbook: string;
            readonly severity: string;
            /** @default null */
            readonly silence: components["schemas"]["AlertSilence"] | null;
            /** Format: date-time */
            readonly since: string;
            /** @default  */
            readonly source: string;
            readonly state: components["schemas"]["AlertState"];
            readonly subject: string;
            /** @default  */
            readonly summary: string;
            readonly text: string;
            readonly threshold: number;
            readonly value: components["schemas"]["Number"] | null;
            /** @default  */
            readonly version: string;
            /** @default null */
            readonly window_end: string | null;
            /** @default null */
            readonly window_start: string | null;
        };
        /**
         * AlertChange
         * @description One line of an alert's history.
         *
         *     what: the state that it took, or `acknowledged`, `silenced`, `unsilenced`, `notebook`,
         *     `retrain`, `rollback`, `undelivered`, `removed`. by: empty for the evaluator. link: a reference,
         *     such as the pipeline run that was started.
         */
        readonly AlertChange: {
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            readonly link: string;
            readonly what: string;
            readonly why: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AlertChangePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AlertChange"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AlertDetail
         * @description An alert's page. pipeline: the one that made its model, empty if that is not known. history:
         *     the newest lines. stands_for: how the alerts of the rule stand, if all of them were asked for;
         *     this is the worst then. acknowledged: those that were acknowledged just now, this one with them.
         */
        readonly AlertDetail: {
            /** @default [] */
            readonly acknowledged: readonly string[];
            readonly alert: components["schemas"]["Alert"];
            readonly changes: number;
            readonly code: {
                readonly [key: string]: string;
            };
            readonly deployment: string;
            readonly history: readonly components["schemas"]["AlertChange"][];
            readonly pipeline: string;
            /** @default  */
            readonly stands_for: string;
        };
        /**
         * AlertNotebook
         * @description A notebook that was written for an alert. path: below the project.
         */
        readonly AlertNotebook: {
            readonly alert: string;
            readonly path: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AlertPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Alert"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AlertRule
         * @description A rule. monitor: empty for all; but: monitors that have their own. source: file and line,
         *     empty for the built-in ones. problem: of a file whose rules are not used; name is the file then.
         *     against: what drift is against. owner: who looks after its alerts, by the rule or the project.
         *     kind: how windows are judged; other than `threshold`, by another package.
         */
        readonly AlertRule: {
            /** @default reference */
            readonly against: string;
            readonly but: readonly string[];
            readonly by: readonly string[];
            readonly clear: number | null;
            readonly for_seconds: number;
            readonly group: string;
            readonly inhibited_by: readonly string[];
            readonly keep_firing_seconds: number;
            /** @default threshold */
            readonly kind: string;
            readonly metric: string;
            readonly min_rows: number;
            readonly monitor: string;
            readonly name: string;
            readonly no_data: string;
            readonly op: string;
            /** @default  */
            readonly owner: string;
            readonly problem: string;
            readonly receivers: readonly string[] | null;
            readonly severity: string;
            readonly silenced_until: string | null;
            readonly source: string;
            readonly threshold: number | null;
            readonly where: {
                readonly [key: string]: readonly string[];
            };
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AlertRulePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AlertRule"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AlertSilence
         * @description Nobody is told of these alerts until then.
         *
         *     number: names it. monitor: empty for all. labels: the values of the rule's `by`; None for all
         *     alerts of the rule. ended_by: who ended it before its time, at `until`; empty for nobody.
         */
        readonly AlertSilence: {
            /** Format: date-time */
            readonly begun_at: string;
            readonly by: string;
            /** @default  */
            readonly ended_by: string;
            readonly labels: readonly string[] | null;
            readonly monitor: string;
            readonly number: number;
            readonly rule: string;
            /** Format: date-time */
            readonly until: string;
            readonly why: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AlertSilencePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AlertSilence"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AlertState
         * @description The state of an alert. no_data is a state of its own, never green. silenced: it fires, and
         *     nobody is told.
         * @enum {string}
         */
        readonly AlertState: "ok" | "pending" | "firing" | "silenced" | "no_data";
        /**
         * AnswerComparison
         * @description A version compared with the answers that were given. kind: `replay` of logged rows, or the
         *     copies that a `shadow` answered. rows: compared ones; given_by: how many of them each version
         *     answered then. window: of their arrival.
         *
         *     agreement: share of the rows with the same answer by `rule`; identical: to 1e-6. score_shift:
         *     mean of its scores minus that of the given ones; score_distance: the Kolmogorov-Smirnov distance
         *     of the two, for names of classes their total variation. spread: standard deviation of the given
         *     scores. latency: p50_ms, p95_ms and p99_ms of the version, and with `given_` before them of
         *     those that answered, both measured as `latency_basis` says. refused: rows that it did not
         *     answer. left_out: rows of the window that could not be sent, or were not for want of time; notes
         *     say why.
         */
        readonly AnswerComparison: {
            readonly agreement: number | null;
            /** Format: date-time */
            readonly at: string;
            readonly deployment: string;
            readonly given_by: {
                readonly [key: string]: number;
            };
            /** @default 0 */
            readonly id: number;
            readonly identical: number | null;
            /** @enum {string} */
            readonly kind: "replay" | "shadow";
            readonly latency: {
                readonly [key: string]: number | null;
            };
            readonly latency_basis: string;
            /** @default 0 */
            readonly left_out: number;
            readonly notes: readonly string[];
            /** @default 0 */
            readonly refused: number;
            readonly rows: number;
            readonly rule: string;
            readonly score_distance: number | null;
            readonly score_shift: number | null;
            /** Format: date-time */
            readonly since: string;
            readonly spread: number | null;
            /** Format: date-time */
            readonly until: string;
            /** @default  */
            readonly user: string;
            readonly version: string;
        };
        /**
         * AppliedViews
         * @description What `apply` changed in the registry. problems: what it left out. notes: views that were
         *     applied as they are written, although their source is not there or does not fit.
         */
        readonly AppliedViews: {
            readonly created: readonly string[];
            readonly deleted: readonly string[];
            readonly notes: readonly string[];
            readonly problems: readonly components["schemas"]["Unapplied"][];
            readonly unchanged: readonly string[];
            readonly updated: readonly string[];
        };
        /**
         * ArmOutcomes
         * @description What is known of one version: its outcomes and their mean. share: of the requests of both
         *     that it should have got.
         */
        readonly ArmOutcomes: {
            readonly mean: number;
            readonly n: number;
            readonly share: number;
            readonly version: string;
        };
        /**
         * Array
         * @description Jobs that were submitted as one. states: how many elements are in each. elements: their ids
         *     in order; empty in lists.
         */
        readonly Array: {
            /** @default [] */
            readonly elements: readonly string[];
            readonly max_parallel: number | null;
            readonly size: number;
            readonly states: {
                readonly [key: string]: number;
            };
        };
        /**
         * AttemptRecord
         * @description One start of a job. exit_code: None while it runs, or if it could not be read.
         */
        readonly AttemptRecord: {
            readonly began_at: string | null;
            readonly ended_at: string | null;
            readonly exit_code: number | null;
            readonly log_bytes: number;
            readonly number: number;
            readonly reason: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AttemptRecordPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AttemptRecord"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * AuditEntry
         * @description Who changed what. deployment: its name, also when it is gone. on: the host name of the
         *     machine.
         */
        readonly AuditEntry: {
            /** Format: date-time */
            readonly at: string;
            readonly deployment: string;
            readonly id: number;
            readonly on: string;
            readonly reason: string;
            readonly text: string;
            readonly user: string;
            readonly verb: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly AuditEntryPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["AuditEntry"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Backend
         * @description A place where jobs can run. usual: the one of the settings.
         */
        readonly Backend: {
            readonly name: string;
            readonly usual: boolean;
        };
        /**
         * Backfill
         * @description One run per date, oldest first. runs: dates that are not done. steps, cached: of all these
         *     runs, at most and at least.
         *
         *     parallel: how many run at the same time, and `note` why no more. id: empty for a dry run.
         */
        readonly Backfill: {
            readonly cached: number;
            readonly dates: readonly components["schemas"]["BackfillDate"][];
            /** @default  */
            readonly id: string;
            /** @default  */
            readonly note: string;
            readonly parallel: number;
            readonly parameter: string;
            readonly pipeline: string;
            readonly ref: string;
            readonly runs: number;
            readonly steps: number;
        };
        /**
         * BackfillDate
         * @description One date of a backfill. run: the newest run of that date. done: it succeeded, and nothing has
         *     changed since. steps, cached: how many would run, how many would be taken from the cache.
         */
        readonly BackfillDate: {
            readonly cached: number;
            readonly date: string;
            readonly done: boolean;
            readonly run: string;
            /** @default  */
            readonly state: string;
            readonly steps: number;
        };
        /**
         * Backtest
         * @description A replay of the recorded history. step_seconds: between two evaluations.
         */
        readonly Backtest: {
            readonly file: string;
            readonly rules: readonly components["schemas"]["RuleBacktest"][];
            /** Format: date-time */
            readonly since: string;
            readonly step_seconds: number;
            /** Format: date-time */
            readonly until: string;
        };
        /**
         * BadRow
         * @description A row that would go to quarantine.
         */
        readonly BadRow: {
            readonly file: string;
            readonly line: number;
            readonly reason: string;
            readonly text: string;
        };
        /**
         * Bar
         * @description One bar of a shape: a value (`low` and `high` are equal), or values from `low` to below
         *     `high`. count: rows with them.
         */
        readonly Bar: {
            readonly count: number;
            readonly high: unknown;
            readonly label: string;
            readonly low: unknown;
        };
        /**
         * BatchSubmission
         * @description A job that scores a dataset. rows: of the source. source: with the snapshot that is scored.
         *     into: the dataset that gets the predictions. version: `flights/3`.
         */
        readonly BatchSubmission: {
            readonly into: string;
            readonly job: string;
            readonly rows: number;
            readonly source: string;
            readonly version: string;
        };
        /**
         * CardColumn
         * @description One input or output of the signature. type: in MLflow's words, with the shape of a tensor.
         */
        readonly CardColumn: {
            readonly name: string;
            readonly required: boolean;
            readonly type: string;
        };
        /**
         * Care
         * @description How a dataset is kept.
         *
         *     tier, tiers: where it is, and where it can be. files, bytes: data files of the newest snapshot;
         *     small: those below 32 MiB; deletes: files that list deleted rows. all_files, all_bytes: with
         *     those of earlier snapshots. reads: days of the last 30 on which it was read; read_at: the last
         *     one, None if none is known. suggestion: at most one.
         */
        readonly Care: {
            readonly all_bytes: number;
            readonly all_files: number;
            readonly bytes: number;
            readonly dataset: string;
            readonly deletes: number;
            readonly duplicates: readonly components["schemas"]["Duplicate"][];
            readonly files: number;
            readonly location: string;
            readonly read_at: string | null;
            readonly reads: number;
            readonly small: number;
            readonly snapshots: number;
            readonly suggestion: components["schemas"]["Suggestion"] | null;
            readonly tier: string;
            readonly tiers: readonly string[];
        };
        /**
         * CarePlan
         * @description What a clean-up or a compaction does to one dataset, or would do.
         *
         *     files_before, files_after: data files of the newest snapshot; estimated before it is done.
         *     bytes: of the files that are deleted, or that are written again. orphans: files that nobody
         *     needs, the largest first; `kept`, those of which that is not certain; of each at most 500.
         *     orphans_total, kept_total: how many there are; `more`: of both, those that are not shown.
         *     snapshot: the one that was made. done: whether it was done.
         */
        readonly CarePlan: {
            readonly bytes: number;
            readonly dataset: string;
            /** @default false */
            readonly done: boolean;
            readonly files_after: number;
            readonly files_before: number;
            /** @default [] */
            readonly kept: readonly components["schemas"]["Orphan"][];
            /** @default 0 */
            readonly kept_total: number;
            /** @default 0 */
            readonly more: number;
            /** @default  */
            readonly note: string;
            /** @default [] */
            readonly orphans: readonly components["schemas"]["Orphan"][];
            /** @default 0 */
            readonly orphans_total: number;
            /** @default null */
            readonly snapshot: string | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly CarePlanPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["CarePlan"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * CausePlace
         * @description A cell of a notebook, or a piece of a module that the notebook imports, as it ran.
         *
         *     file: below the project. cell: its number from 1, as jobs count; None in a module. line: where
         *     it names the column, from 1 in the cell or the file. source: at most 120 lines, of which the
         *     first is `first_line`. diff: to the newest run of its step, unified, at most 200 lines; empty
         *     unless it has changed.
         */
        readonly CausePlace: {
            readonly cell: number | null;
            /** @enum {string} */
            readonly change: "unchanged" | "changed" | "removed" | "no later run" | "unknown";
            /** @default  */
            readonly diff: string;
            readonly file: string;
            readonly first_line: number;
            /** @enum {string} */
            readonly how: "assigns" | "names" | "writes" | "ran";
            readonly line: number;
            readonly source: string;
        };
        /**
         * CauseSource
         * @description A dataset that holds the feature as a column, and what wrote it. Empty texts are not known;
         *     `reasons` say why.
         *
         *     dataset, column, view, pipeline, step, job: references. how: why it is among the sources. at:
         *     when its snapshot was committed. newer: snapshots since then. entities: of the view that it
         *     feeds. notebook: its path. executed: the notebook as it ran. places: where the code has to do
         *     with the column, the most telling first, at most 5 of `named`. later_run, later_executed: the
         *     newest successful run of the step, and its notebook. later_why: why that run executed the step,
         *     or took it from the cache.
         */
        readonly CauseSource: {
            /** @default null */
            readonly at: string | null;
            readonly column: string;
            readonly dataset: string;
            /** @default [] */
            readonly entities: readonly string[];
            /** @default  */
            readonly executed: string;
            readonly how: string;
            /** @default  */
            readonly job: string;
            /** @default  */
            readonly later_executed: string;
            /** @default  */
            readonly later_run: string;
            /** @default  */
            readonly later_why: string;
            /** @default 0 */
            readonly named: number;
            /** @default null */
            readonly newer: number | null;
            /** @default  */
            readonly notebook: string;
            /** @default  */
            readonly pipeline: string;
            /** @default [] */
            readonly places: readonly components["schemas"]["CausePlace"][];
            /** @default [] */
            readonly reasons: readonly string[];
            /** @default  */
            readonly run: string;
            /** @default  */
            readonly step: string;
            /** @default  */
            readonly view: string;
            /** @default  */
            readonly written_by: string;
        };
        /**
         * Change
         * @description One entry of the history. traffic: after it. verb: deploy, traffic, promote, rollback,
         *     remove, undo, shadow, step (of a plan), pause, resume, keeper.
         */
        readonly Change: {
            /** Format: date-time */
            readonly at: string;
            readonly id: number;
            readonly reason: string;
            readonly text: string;
            readonly traffic: {
                readonly [key: string]: number;
            };
            readonly user: string;
            readonly verb: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly ChangePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Change"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * ClassFigures
         * @description How often each class has the largest probability. shares: of rows, by class, `other` for
         *     those that the reference has no bin for; before: the same of what the drift is against, None if
         *     that is not known. psi: between them.
         */
        readonly ClassFigures: {
            readonly before: {
                readonly [key: string]: number;
            } | null;
            readonly psi: number | null;
            readonly rows: number;
            readonly shares: {
                readonly [key: string]: number;
            };
        };
        /**
         * CodeDiff
         * @description How the code of a job differs from the commit, as git writes it. shown, total: bytes of the
         *     text, and of the whole difference.
         */
        readonly CodeDiff: {
            readonly commit: string;
            readonly id: string;
            readonly shown: number;
            readonly text: string;
            readonly total: number;
            readonly uncommitted: number | null;
        };
        /**
         * CodePreview
         * @description What a snapshot of the code would contain if taken now. uncommitted: paths that differ from
         *     the commit. Only the beginning of each list is returned.
         */
        readonly CodePreview: {
            readonly commit: string;
            readonly files: number;
            readonly left_out: components["schemas"]["LeftOutPage"];
            readonly size: number;
            readonly uncommitted: components["schemas"]["StrPage"];
        };
        /**
         * CodeSnapshot
         * @description The code that a job runs from. size: bytes of all files. commit: of git, empty outside a
         *     repository.
         *
         *     uncommitted: files that differ from it, including those that are gone; None if unknown.
         */
        readonly CodeSnapshot: {
            readonly commit: string;
            readonly files: number;
            readonly id: string;
            readonly left_out: readonly components["schemas"]["LeftOut"][];
            readonly size: number;
            /** @default null */
            readonly uncommitted: number | null;
        };
        /**
         * Column
         * @description One column. type: short (`i64`, `f64`, `str`, `ts[us, tz]`, …). doc: its description.
         *     used_by: references of what was made from this column, if lineage names it.
         */
        readonly Column: {
            readonly doc: string;
            readonly name: string;
            readonly required: boolean;
            /** @default [] */
            readonly tags: readonly string[];
            readonly type: string;
            /** @default [] */
            readonly used_by: readonly string[];
        };
        /**
         * ColumnProfile
         * @description Statistics of one column; None or empty where they are not known, or do not exist.
         *
         *     nulls: rows without a value. min, max: without NaN. mean, std: of finite numbers. quantiles:
         *     values by share, such as "0.5". top: the most frequent values with their rows. basis: of each
         *     figure that is known, by its name. errors: relative standard error of `distinct`, and how far
         *     the rank of a quantile may be off (in 19 of 20 cases). sample: how many rows figures of a sample
         *     come from; their counts are estimates for all rows.
         */
        readonly ColumnProfile: {
            readonly basis: {
                readonly [key: string]: "exact" | "approximate" | "sample";
            };
            /** @default null */
            readonly distinct: number | null;
            readonly errors: {
                readonly [key: string]: number;
            };
            /** @default null */
            readonly max: unknown;
            /** @default null */
            readonly mean: number | ("NaN" | "Infinity" | "-Infinity") | null;
            /** @default null */
            readonly min: unknown;
            /** @default null */
            readonly nulls: number | null;
            readonly quantiles: {
                readonly [key: string]: unknown;
            };
            /** @default null */
            readonly sample: number | null;
            /** @default null */
            readonly shape: components["schemas"]["Shape"] | null;
            /** @default null */
            readonly std: number | ("NaN" | "Infinity" | "-Infinity") | null;
            /** @default [] */
            readonly top: readonly (readonly [
                unknown,
                number
            ])[];
            readonly type: string;
        };
        /**
         * Comparison
         * @description Two or more runs side by side; rows that differ come first.
         *
         *     curve_metrics: every metric that has a curve; `curves` holds those of the first few (see
         *     `service.CURVES`).
         */
        readonly Comparison: {
            readonly code: {
                readonly [key: string]: string;
            };
            /** @default [] */
            readonly curve_metrics: readonly string[];
            readonly curves: readonly components["schemas"]["Curve"][];
            readonly rows: readonly components["schemas"]["Difference"][];
            readonly runs: readonly components["schemas"]["Run"][];
        };
        /**
         * Compute
         * @description What the backend has. load and memory: 0 to 1, of the machine.
         */
        readonly Compute: {
            readonly backend: string;
            readonly cpus: number;
            readonly cpus_used: number;
            readonly devices: readonly components["schemas"]["Device"][];
            readonly disk: components["schemas"]["Number"];
            readonly load: components["schemas"]["Number"];
            readonly memory: components["schemas"]["Number"];
            readonly running: number;
            readonly waiting: number;
        };
        /**
         * Confusion
         * @description counts: one row per true class, one column per answered class, both as in `classes`.
         */
        readonly Confusion: {
            readonly classes: readonly string[];
            readonly counts: readonly (readonly number[])[];
        };
        /**
         * Contract
         * @description A data contract that was written or read. rules: how many. left_out: what the other side
         *     cannot say, a line each.
         */
        readonly Contract: {
            readonly dataset: string;
            readonly file: string;
            readonly left_out: readonly string[];
            readonly rules: number;
        };
        /**
         * CpuFigures
         * @description Processor cores in use: on average and in the busiest minute.
         */
        readonly CpuFigures: {
            readonly cores: number;
            readonly max_cores: number;
        };
        /**
         * Curve
         * @description A metric over steps, at most `points` long; min and max of each bucket are kept, so that no
         *     spike is lost.
         *
         *     total: points that were logged.
         */
        readonly Curve: {
            readonly high: readonly (number | ("NaN" | "Infinity" | "-Infinity"))[];
            readonly low: readonly (number | ("NaN" | "Infinity" | "-Infinity"))[];
            readonly mean: readonly (number | ("NaN" | "Infinity" | "-Infinity"))[];
            readonly metric: string;
            readonly run: string;
            readonly step: readonly number[];
            readonly total: number;
        };
        /**
         * Damage
         * @description A data file that is not what was written, or is gone.
         */
        readonly Damage: {
            readonly file: string;
            readonly why: string;
        };
        /**
         * Dataset
         * @description One row of a list. name: `namespace.table`. rows, bytes: from the snapshot's summary, so
         *     exact. domain: whose table it is: that domain alone writes it, it has no snapshots, and what
         *     would have to be read is unknown; of what is registered in place, its kind (`csv`, `delta`);
         *     empty for a dataset of the catalog. columns_tagged: tags of its columns, by name. signs: what is
         *     wrong with it, with a sentence: `failing` (rules that failed when they were last run), `late`,
         *     `short` or `large` (new rows; see `quality`).
         */
        readonly Dataset: {
            readonly bytes: number | null;
            readonly columns: number | null;
            readonly columns_tagged: {
                readonly [key: string]: readonly string[];
            };
            readonly description: string;
            /** @default  */
            readonly domain: string;
            readonly name: string;
            readonly namespace: string;
            readonly owner: string;
            readonly ref: string;
            readonly rows: components["schemas"]["Number"];
            readonly signs: {
                readonly [key: string]: string;
            };
            readonly snapshot: string | null;
            readonly tags: readonly string[];
            readonly updated_at: string | null;
        };
        /**
         * DatasetDetail
         * @description The head of a dataset's page. newer: snapshots committed after the one shown.
         */
        readonly DatasetDetail: {
            readonly code: {
                readonly [key: string]: string;
            };
            readonly dataset: components["schemas"]["Dataset"];
            readonly location: string;
            readonly newer: number;
            readonly schema: readonly components["schemas"]["Column"][];
            readonly snapshots: number;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly DatasetPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Dataset"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * DateRange
         * @description The first and the last date of an input; before: of the reference, None if not known.
         */
        readonly DateRange: {
            /** @default null */
            readonly before_first: string | null;
            /** @default null */
            readonly before_last: string | null;
            readonly first: string | null;
            readonly last: string | null;
        };
        /**
         * Deleted
         * @description A dataset that is not in the catalog any more. files: the folder of its files. trash: its
         *     number there, until when it can be restored, and the command that does so; None and empty for
         *     what was registered in place, which is only forgotten.
         */
        readonly Deleted: {
            readonly deleted: string;
            readonly files: string;
            /** @default null */
            readonly trash: number | null;
            /** @default  */
            readonly undo: string;
            /** @default null */
            readonly until: string | null;
        };
        /**
         * Delivery
         * @description A message to a receiver. state: waiting, delivered or given_up. error: of the last try.
         */
        readonly Delivery: {
            readonly attempts: number;
            /** Format: date-time */
            readonly created_at: string;
            readonly error: string;
            readonly id: string;
            readonly next_at: string | null;
            readonly receiver: string;
            readonly state: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly DeliveryPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Delivery"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * DeliveryPlan
         * @description A plan of a deployment. against: the version that is to be replaced. step: the present one,
         *     from 1. percent: its share. next_at: when the next step may come; None if none will. waits_for:
         *     why it does not come then, or what has ended the plan. checks: as of `checked_at`; empty before
         *     the first look.
         */
        readonly DeliveryPlan: {
            readonly against: string;
            readonly better: string;
            /** @default null */
            readonly checked_at: string | null;
            readonly checks: readonly components["schemas"]["StepCheck"][];
            /** Format: date-time */
            readonly created_at: string;
            readonly deployment: string;
            readonly every_seconds: number;
            readonly goal: string;
            readonly id: number;
            readonly least_requests: number;
            readonly next_at: string | null;
            readonly percent: number;
            readonly state: components["schemas"]["PlanState"];
            readonly step: number;
            /** Format: date-time */
            readonly step_at: string;
            readonly steps: readonly number[];
            /** Format: date-time */
            readonly updated_at: string;
            readonly user: string;
            readonly version: string;
            readonly waits_for: string;
        };
        /**
         * DeployedVersion
         * @description One version of a deployment. version: `v3` for `models:/name/3`. traffic: percent. shadow:
         *     percent of the requests of which it gets a copy, whose answers nobody gets. role: `stable`,
         *     `canary`, `shadow` or `standby`. runtime: what carries its processes.
         *
         *     requests, p50_ms, p95_ms, errors (5xx), refused (4xx): of the gateway's last window; None before
         *     the first request. stale_since: when they were measured, if that is too long ago to tell of now.
         *     memory_bytes, pids: of its serving processes; pages that they share count once.
         *     gpu_memory_bytes: of GPUs, by these processes. gpu_load: 0 to 1, of the GPUs that they compute
         *     on, whoever else does. gpu_reason: why one of both is None.
         */
        readonly DeployedVersion: {
            readonly error_fraction: components["schemas"]["Number"] | null;
            readonly gates: readonly components["schemas"]["Gate"][];
            /** @default null */
            readonly gpu_load: number | null;
            /** @default null */
            readonly gpu_memory_bytes: number | null;
            /** @default  */
            readonly gpu_reason: string;
            readonly memory_bytes: number | null;
            readonly model: string;
            readonly p50_ms: components["schemas"]["Number"] | null;
            readonly p95_ms: components["schemas"]["Number"] | null;
            readonly pids: readonly number[];
            readonly reason: string;
            readonly refused_fraction: components["schemas"]["Number"] | null;
            readonly requests_per_second: components["schemas"]["Number"] | null;
            readonly role: string;
            readonly runtime: string;
            readonly shadow: number;
            /** @default null */
            readonly stale_since: string | null;
            readonly state: components["schemas"]["VersionState"];
            readonly traffic: number;
            readonly version: string;
            readonly workers: number;
        };
        /**
         * Deployment
         * @description One deployment. url: ends in `/api/v1.0/predictions`. urls: the same by protocol, `seldon`
         *     and `v2`, and for other machines `public`; empty while there is no gateway. requests_by_minute:
         *     of the last 60 minutes, the present one last; fewer since its gateway was first looked at.
         */
        readonly Deployment: {
            /** Format: date-time */
            readonly created_at: string;
            readonly name: string;
            readonly namespace: string;
            readonly ref: string;
            /** @default [] */
            readonly requests_by_minute: readonly number[];
            readonly state: components["schemas"]["DeploymentState"];
            readonly target: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly url: string;
            readonly urls: {
                readonly [key: string]: string;
            };
            readonly versions: readonly components["schemas"]["DeployedVersion"][];
        };
        /**
         * DeploymentDetail
         * @description A deployment's page; history newest first. sample: a request body that it accepts.
         *
         *     answers: `classes`, `probabilities` or `values` of the version with most traffic; empty before
         *     the first one is packaged. plan: the last one, active or ended. replays: the last ones, newest
         *     first. gateway: how it is; None while nothing is up. limits: what it takes of callers. shadows:
         *     what each one's copies say, only where that was asked for, because it reads the payload log.
         *     params: that a request may have beside its rows: name, type, list and default of each.
         *     up_since: when the oldest process of a version with traffic began; None without one here.
         */
        readonly DeploymentDetail: {
            readonly answers: string;
            readonly code: {
                readonly [key: string]: string;
            };
            readonly deployment: components["schemas"]["Deployment"];
            /** @default null */
            readonly gateway: components["schemas"]["GatewayState"] | null;
            readonly history: readonly components["schemas"]["Change"][];
            /** @default null */
            readonly limits: components["schemas"]["AccessLimits"] | null;
            /** @default [] */
            readonly params: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @default null */
            readonly plan: components["schemas"]["DeliveryPlan"] | null;
            /** @default [] */
            readonly replays: readonly components["schemas"]["AnswerComparison"][];
            readonly sample: {
                readonly [key: string]: unknown;
            } | null;
            /** @default [] */
            readonly shadows: readonly components["schemas"]["AnswerComparison"][];
            readonly signature: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @default null */
            readonly up_since: string | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly DeploymentPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Deployment"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * DeploymentState
         * @description healthy: all versions with traffic are ready. degraded: some. down: none, or stopped.
         * @enum {string}
         */
        readonly DeploymentState: "healthy" | "degraded" | "down";
        /**
         * Device
         * @description One GPU slot. holder: job reference or the process that holds it; empty if free. load,
         *     memory: 0 to 1.
         */
        readonly Device: {
            readonly holder: string;
            readonly id: string;
            readonly load: components["schemas"]["Number"] | null;
            readonly memory: components["schemas"]["Number"] | null;
            readonly name: string;
        };
        /**
         * Diff
         * @description What one has to do to a dataset at snapshot `before` to get that at snapshot `after`.
         *
         *     added, removed: rows. changed: rows with a key that both have, and other values; None without a
         *     key, where such a row counts as removed and added. Rows are compared in the columns of `after`.
         *     statistics: of each column of which one differs, the figures before and after, by their name.
         *     alike: how many other columns have figures that are known on both sides, of which none differs.
         *     key: the columns that tell which row is which. files_read: data files whose rows were read:
         *     those that only one of them has. note: what is to be known of the counts.
         */
        readonly Diff: {
            readonly added: number;
            readonly after: string;
            /** @default 0 */
            readonly alike: number;
            readonly before: string;
            readonly changed: number | null;
            readonly dataset: string;
            readonly examples: components["schemas"]["Examples"];
            readonly files_read: number;
            readonly key: readonly string[];
            /** @default  */
            readonly note: string;
            readonly removed: number;
            readonly schema: components["schemas"]["SchemaDiff"];
            readonly statistics: {
                readonly [key: string]: {
                    readonly [key: string]: readonly [
                        unknown,
                        unknown
                    ];
                };
            };
        };
        /**
         * Difference
         * @description One line of a comparison: `values[i]` is that of run i; None where a run has none. kind:
         *     param, metric, tag, dataset; of versions also code, input, output, environment.
         */
        readonly Difference: {
            readonly key: string;
            readonly kind: string;
            readonly same: boolean;
            readonly values: readonly (string | number | ("NaN" | "Infinity" | "-Infinity") | null)[];
        };
        /**
         * Distances
         * @description The distances of one column, as in `FeatureDrift`. basis: of ks and wasserstein. ks_error: by
         *     how much ks may be off, at most; None without ks.
         */
        readonly Distances: {
            /** @enum {string} */
            readonly basis: "exact" | "approx" | "sample" | "est" | "n";
            readonly chi2: number | null;
            readonly hellinger: number | null;
            readonly js: number | null;
            readonly ks: number | null;
            /** @default null */
            readonly ks_error: number | null;
            readonly psi: number | null;
            readonly wasserstein: number | null;
        };
        /**
         * DomainRecord
         * @description A domain that is installed. kinds: of its references. topics: of its events. states: of its
         *     objects, each with its tone: good, bad, busy or quiet.
         */
        readonly DomainRecord: {
            readonly kinds: readonly string[];
            readonly name: string;
            readonly states: {
                readonly [key: string]: "good" | "bad" | "busy" | "quiet";
            };
            readonly topics: readonly string[];
        };
        /**
         * Draft
         * @description What the text of a pipeline file means before it is saved. fault: what is wrong with it; then
         *     there is no graph.
         *
         *     parameters: of the pipeline, with their defaults. date: the parameter that is the date of a run;
         *     empty if nothing depends on one. written: the parameters of each step that has some, in YAML,
         *     one per line.
         */
        readonly Draft: {
            readonly date: string;
            readonly fault: components["schemas"]["Fault"] | null;
            readonly graph: readonly components["schemas"]["Step"][];
            readonly name: string;
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            readonly path: string;
            readonly written: {
                readonly [key: string]: string;
            };
        };
        /**
         * DraftRule
         * @description A rule as it is written. place: in its file, from 0; line: where it begins, from 1. values:
         *     its keys; what `defaults` say is not among them.
         */
        readonly DraftRule: {
            readonly line: number;
            readonly place: number;
            readonly values: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * Due
         * @description A due time. at: ISO 8601 with the offset of the zone. note: what the clocks do on that day,
         *     usually empty.
         */
        readonly Due: {
            readonly at: string;
            readonly note: string;
        };
        /**
         * DueTimes
         * @description What a cron text means: its next due times, or, if it is not `valid`, why it has none.
         */
        readonly DueTimes: {
            readonly items: readonly components["schemas"]["Due"][];
            readonly reason: string;
            readonly valid: boolean;
        };
        /**
         * Duplicate
         * @description Data files that another dataset has too, byte by byte; or that this one has twice.
         */
        readonly Duplicate: {
            readonly dataset: string;
            readonly files: number;
        };
        /**
         * Edge
         * @description `output` was made from `input` by `job`. All three are references; at: ISO 8601 in UTC.
         *
         *     columns: columns of the input, each with a column of the output whose values were made from it.
         *     untraced: columns of the output of which nobody knows what they were made from; None if that is
         *     so of all.
         */
        readonly Edge: {
            readonly at: string;
            /** @default [] */
            readonly columns: readonly (readonly [
                string,
                string
            ])[];
            readonly input: string;
            readonly job: string;
            readonly output: string;
            /** @default null */
            readonly untraced: readonly string[] | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly EdgePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Edge"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Edited
         * @description The text of a pipeline file after a change. name: of what was changed, such as the new step.
         *
         *     fault: what is wrong with the written parameters; then the text is unchanged.
         */
        readonly Edited: {
            /** @default null */
            readonly fault: components["schemas"]["Fault"] | null;
            readonly name: string;
            readonly text: string;
        };
        /**
         * Entity
         * @description What rows are about. key: the column that names one. views: those that are joined on it.
         */
        readonly Entity: {
            readonly description: string;
            readonly key: string;
            readonly name: string;
            readonly owner: string;
            readonly ref: string;
            readonly tags: {
                readonly [key: string]: string;
            };
            readonly type: string;
            readonly views: readonly string[];
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly EntityPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Entity"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Episode
         * @description One time that an alert would have fired. until: None if it would still fire. peak: the worst
         *     value in it.
         */
        readonly Episode: {
            readonly alert: string;
            readonly peak: number | null;
            readonly seconds: number;
            /** Format: date-time */
            readonly since: string;
            readonly subject: string;
            readonly until: string | null;
        };
        /**
         * Error
         * @description Every failure. error: one of bad_request, forbidden, not_found, conflict, too_large,
         *     unprocessable, unavailable, internal.
         */
        readonly Error: {
            readonly error: string;
            readonly fix: string;
            readonly message: string;
            readonly why: string;
        };
        /**
         * Estimate
         * @description What a job would meet. starts_at: None if unknown. seconds: median of the `like` earlier runs
         *     of the same code, None without any.
         *
         *     cost: at the settings' prices, None without those. refused: why it can never start; empty if it
         *     can.
         */
        readonly Estimate: {
            readonly cost: components["schemas"]["Number"] | null;
            readonly like: number;
            readonly refused: string;
            readonly seconds: components["schemas"]["Number"] | null;
            readonly starts_at: string | null;
        };
        /**
         * ExampleRows
         * @description Some rows, JSON-safe. data[i][j] is column i of row j. before: of changed rows, the values
         *     that they had, in the same form.
         */
        readonly ExampleRows: {
            /** @default [] */
            readonly before: readonly (readonly unknown[])[];
            readonly columns: readonly string[];
            readonly data: readonly (readonly unknown[])[];
        };
        /**
         * Examples
         * @description A few of the rows that differ.
         */
        readonly Examples: {
            readonly added: components["schemas"]["ExampleRows"];
            readonly changed: components["schemas"]["ExampleRows"];
            readonly removed: components["schemas"]["ExampleRows"];
        };
        /**
         * ExecutedNotebook
         * @description A notebook with the outputs of its run. content: nbformat 4. failed_cell: index of the cell
         *     with an error, from 0.
         */
        readonly ExecutedNotebook: {
            readonly content: {
                readonly [key: string]: unknown;
            };
            readonly failed_cell: number | null;
            /** Format: date-time */
            readonly modified_at: string;
            readonly path: string;
        };
        /**
         * Experiment
         * @description One experiment in a list. runs: how many are active, None on a server, which does not count.
         *     updated_at: on a server, of the experiment alone.
         */
        readonly Experiment: {
            readonly id: string;
            readonly name: string;
            readonly ref: string;
            readonly runs: number | null;
            readonly updated_at: string | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly ExperimentPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Experiment"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * ExpiringSnapshot
         * @description A snapshot, and why it stays; empty if it expires.
         */
        readonly ExpiringSnapshot: {
            /** Format: date-time */
            readonly at: string;
            readonly id: string;
            readonly kept_because: string;
            readonly operation: string;
            readonly refs: {
                readonly [key: string]: string;
            };
            readonly rows: components["schemas"]["Number"];
        };
        /**
         * ExpiryPlan
         * @description Which snapshots of a dataset expire. snapshots: the newest `shown` of `total`, with why they
         *     stay. expires: how many go. files, bytes: of the files that are deleted, since no snapshot needs
         *     them afterwards; rows: in those of them that hold rows. lost: what cannot be done any more, a
         *     sentence each. note: which files stay all the same. done: whether it was done; otherwise it is a
         *     preview.
         */
        readonly ExpiryPlan: {
            readonly bytes: number;
            readonly dataset: string;
            readonly done: boolean;
            readonly expires: number;
            readonly files: number;
            readonly lost: readonly string[];
            /** @default  */
            readonly note: string;
            readonly rows: number;
            readonly shown: number;
            readonly snapshots: readonly components["schemas"]["ExpiringSnapshot"][];
            readonly total: number;
        };
        /**
         * Explained
         * @description Which row a join takes for one entity at a time, and why it refuses every other.
         *
         *     rows: the taken one first, then those nearest in time; `total` of the source have the key.
         *     verdicts: how many of all have each. known_only: rows count once they are written. masked:
         *     features whose values are not shown. note: what else decides; usually empty. windows: of a view
         *     with aggregations; its rows have the values that are aggregated, and none is taken alone.
         */
        readonly Explained: {
            /** Format: date-time */
            readonly at: string;
            readonly entity: {
                readonly [key: string]: unknown;
            };
            readonly known_only: boolean;
            /** @default [] */
            readonly masked: readonly string[];
            /** @default  */
            readonly note: string;
            readonly rows: readonly components["schemas"]["JudgedRow"][];
            readonly shown: number;
            readonly taken: components["schemas"]["JudgedRow"] | null;
            readonly total: number;
            readonly ttl_seconds: number | null;
            readonly verdicts: {
                readonly [key: string]: number;
            };
            readonly view: string;
            /** @default [] */
            readonly windows: readonly components["schemas"]["HeldWindow"][];
        };
        /**
         * ExplainedAnswers
         * @description What each input contributed to the answers of some rows. method: how that was found. scale:
         *     of what the contributions add up to, `raw margin` or `answer`.
         *
         *     inputs, outputs: their names; a single output has none. background: rows of the model's sample
         *     that stand for an input that is left out; orders: of the inputs that were tried for each row;
         *     both are 0 if the model's library computes contributions itself.
         */
        readonly ExplainedAnswers: {
            readonly background: number;
            readonly exact: boolean;
            readonly inputs: readonly string[];
            readonly method: string;
            readonly milliseconds: number;
            readonly orders: number;
            readonly outputs: readonly string[];
            readonly rows: readonly components["schemas"]["ExplainedRow"][];
            readonly scale: string;
            readonly version: string;
        };
        /**
         * ExplainedRow
         * @description Why one row got its answer. values: of the inputs, as the model had them. prediction: its
         *     answer.
         *
         *     contributions, errors: by output and input; errors are standard errors, None if the
         *     contributions are exact. base, total: by output; base and contributions add up to total.
         */
        readonly ExplainedRow: {
            readonly base: readonly (number | null)[];
            readonly contributions: readonly (readonly (number | null)[])[];
            readonly errors: readonly (readonly (number | null)[])[] | null;
            readonly prediction: unknown;
            readonly total: readonly (number | null)[];
            readonly values: readonly unknown[];
        };
        /**
         * Explanation
         * @description What a step would do now, and why.
         *
         *     changed: which parts of its key differ from its last complete result: code, params, inputs,
         *     environment, kernel; also `first run`, `unfinished` (its newest execution did not succeed, or
         *     what it takes changed meanwhile), `outputs` (gone, or not what it made), `cache off`. Empty: it
         *     would be taken from the cache. detail: how they differ, with the lines of code.
         */
        readonly Explanation: {
            readonly changed: readonly string[];
            readonly detail: string;
            readonly pipeline: string;
            readonly ref: string;
            readonly step: string;
        };
        /**
         * Exported
         * @description A pipeline in the form of another system. notes: the differences. path: where it was written,
         *     empty if it was not.
         */
        readonly Exported: {
            readonly notes: readonly string[];
            /** @default  */
            readonly path: string;
            readonly pipeline: string;
            readonly target: string;
            readonly text: string;
        };
        /**
         * ExportedRows
         * @description Rows that did not fit into a dataset, in a file where they can be mended. rows: how many.
         */
        readonly ExportedRows: {
            readonly dataset: string;
            readonly file: string;
            readonly rows: number;
        };
        /**
         * Fault
         * @description What is wrong with the text of a pipeline file. line: where, from 1; None if it is the whole
         *     text.
         */
        readonly Fault: {
            readonly fix: string;
            readonly line: number | null;
            readonly what: string;
            readonly why: string;
        };
        /**
         * Feature
         * @description One feature. ref: `feature:view:name`. fill: fraction of rows that are not null.
         */
        readonly Feature: {
            readonly description: string;
            readonly fill: components["schemas"]["Number"] | null;
            readonly name: string;
            readonly ref: string;
            readonly type: string;
            readonly used_by: readonly string[];
            readonly view: string;
        };
        /**
         * FeatureCause
         * @description Where a feature of a model comes from: the data that the model was trained on, then what that
         *     was made from. version, run: references of the model version and its tracked run.
         */
        readonly FeatureCause: {
            /** @default Datasets, runs and jobs are from lineage; code is found by the column's name. */
            readonly basis: string;
            readonly code: {
                readonly [key: string]: string;
            };
            readonly feature: string;
            readonly monitor: string;
            readonly reasons: readonly string[];
            readonly run: string;
            readonly sources: readonly components["schemas"]["CauseSource"][];
            readonly version: string;
        };
        /**
         * FeatureDrift
         * @description Drift of one feature between reference and window.
         *
         *     psi: population stability index on the reference's deciles (natural log). ks: two-sample
         *     Kolmogorov–Smirnov statistic; wasserstein: the distance that a value has moved in the mean, in
         *     units of the feature; both None for categories. js: Jensen–Shannon distance (base 2); hellinger:
         *     Hellinger distance; chi2: Pearson's statistic, all three over the bins. reference, window:
         *     fractions per bin. edges: inner bin edges, or category names.
         */
        readonly FeatureDrift: {
            readonly chi2: components["schemas"]["Number"];
            readonly drifted: boolean;
            readonly edges: readonly (number | string)[];
            readonly feature: string;
            readonly hellinger: components["schemas"]["Number"];
            readonly js: components["schemas"]["Number"];
            readonly kind: string;
            readonly ks: components["schemas"]["Number"] | null;
            readonly missing_reference: components["schemas"]["Number"];
            readonly missing_window: components["schemas"]["Number"];
            readonly psi: components["schemas"]["Number"];
            readonly reference: readonly number[];
            readonly wasserstein: components["schemas"]["Number"] | null;
            readonly window: readonly number[];
        };
        /**
         * FeatureFigures
         * @description What is known of one feature beside its profile.
         *
         *     newest: event time of the newest row with a value, or of the newest event that an aggregation
         *     counts; freshness: that against the ttl. drift:
         *     population stability index of the rows after the training window against those in it; ks:
         *     largest distance of the two distributions, for numbers. skew: rate of online values that differ
         *     from the source, when they were last compared; `n` values were.
         */
        readonly FeatureFigures: {
            /** @default null */
            readonly drift: components["schemas"]["Number"] | null;
            readonly fill: components["schemas"]["Number"] | null;
            readonly freshness: components["schemas"]["Freshness"];
            /** @default null */
            readonly ks: components["schemas"]["Number"] | null;
            readonly name: string;
            readonly newest: string | null;
            /** @default null */
            readonly skew: components["schemas"]["Number"] | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly FeaturePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Feature"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * FeatureSkew
         * @description How the online values of one feature differ from its source. missing_online: keys of the
         *     source that are not online. only_online: values that are newer than the source, by a push.
         *     example: the first that differs or is missing.
         */
        readonly FeatureSkew: {
            readonly compared: number;
            readonly different: number;
            readonly example: string;
            readonly missing_online: number;
            readonly only_online: number;
        };
        /**
         * Filter
         * @description Which rows are shown: those whose value fits. A row without a value fits only `null`.
         *
         *     value: as JSON holds it, or as a user writes it: `60`, `"2013-01-01"`; a list for `in` (up to
         *     1,000 values) and, with both ends, for `between`; None for `null` and `not null`.
         */
        readonly Filter: {
            readonly column: string;
            /** @enum {string} */
            readonly op: "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "between" | "contains" | "starts" | "null" | "not null";
            /** @default null */
            readonly value: unknown;
        };
        /**
         * FilterFacts
         * @description Which rows are shown. value: a list for `in` and `between`; null for `null`, `not null`.
         */
        readonly FilterFacts: {
            readonly column: string;
            /** @enum {string} */
            readonly op: "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "between" | "contains" | "starts" | "null" | "not null";
            readonly value: unknown;
        };
        /**
         * Firing
         * @description What happened to one due time. due: ISO 8601 with the zone's offset. cause: clock, catchup
         *     (it was missed before) or hand.
         *
         *     reason: why it waits, was missed or skipped, or failed; for a started one, the reason of its run
         *     or job, and whether the run was continued. run, job: ids of what was started. outcome: its
         *     present state, empty before.
         */
        readonly Firing: {
            /** @enum {string} */
            readonly cause: "clock" | "catchup" | "hand";
            readonly due: string;
            /** Format: date-time */
            readonly due_at: string;
            readonly job: string | null;
            readonly outcome: string;
            readonly reason: string;
            readonly run: string | null;
            readonly schedule: string;
            readonly started_at: string | null;
            readonly state: components["schemas"]["FiringState"];
            readonly user: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly FiringPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Firing"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * FiringState
         * @description What happened to a due time. waiting: it will be started. failed: it could not be started.
         *     missed, skipped: it was not run.
         * @enum {string}
         */
        readonly FiringState: "waiting" | "started" | "missed" | "skipped" | "failed";
        /**
         * FirstNotebook
         * @description The notebook of the first steps. path: in JupyterLab's file browser; None outside its
         *     root.
         */
        readonly FirstNotebook: {
            readonly path: string | null;
        };
        /**
         * Freshness
         * @description How a view's online values compare with its ttl.
         * @enum {string}
         */
        readonly Freshness: "fresh" | "expired" | "never";
        /**
         * Gate
         * @description One test before traffic: its limit, what was measured, and whether it passed. passed: None if
         *     nothing could be measured, for the reason in `measured`; that does not keep it from traffic.
         *     log: the last lines that a failed step printed, without secrets; empty if there are none.
         */
        readonly Gate: {
            readonly limit: string;
            /** @default  */
            readonly log: string;
            readonly measured: string;
            readonly name: string;
            readonly passed: boolean | null;
        };
        /**
         * GatewayState
         * @description The gateway of the local target. running: how many of its processes answer, of `processes`.
         *
         *     public: the address for other machines; empty if the settings name none. open: whether it
         *     listens there. tls: whether it speaks TLS there. behind: whether it may still take keys there
         *     that have ended. problems: what is not as it should be.
         */
        readonly GatewayState: {
            readonly behind: boolean;
            readonly open: boolean;
            readonly problems: readonly string[];
            readonly processes: number;
            readonly public: string;
            readonly running: number;
            readonly tls: boolean;
        };
        /**
         * GpuFigures
         * @description GPUs of processes. mib, max_mib: their memory, in the newest minute and at most. load,
         *     max_load: of the GPUs that the processes compute on, whoever else does, 0 to 1: on average and
         *     in the busiest minute. What the driver does not say is None.
         */
        readonly GpuFigures: {
            readonly load: number | null;
            readonly max_load: number | null;
            readonly max_mib: number | null;
            readonly mib: number | null;
        };
        /**
         * GpuPoint
         * @description A GPU of a job at a moment. load, memory: 0 to 1, None if the driver does not say; of the
         *     whole device, whoever uses it.
         */
        readonly GpuPoint: {
            readonly id: string;
            readonly load: number | null;
            readonly memory: number | null;
        };
        /**
         * GridBlock
         * @description Rows of a grid. total: how many the query has. of: how many rows the table has; None if
         *     they would have to be counted. code: what shows the same, as Python.
         */
        readonly GridBlock: {
            readonly code: {
                readonly [key: string]: string;
            };
            readonly columns: readonly components["schemas"]["Column"][];
            readonly data: readonly (readonly unknown[])[];
            /** @default [] */
            readonly masked: readonly string[];
            readonly of: number | null;
            readonly query: components["schemas"]["GridQuery"];
            readonly shown: number;
            readonly snapshot: string | null;
            readonly start: number;
            readonly total: number;
        };
        /**
         * GridQuery
         * @description What a grid shows: all filters hold; then rows are grouped, sorted, and reduced to columns.
         *
         *     sort, columns: of a grouped query, by the names of its answer. Rows that are alike stay in the
         *     order of the table, groups in the order of what they are grouped by.
         */
        readonly GridQuery: {
            /** @default null */
            readonly columns: readonly string[] | null;
            /** @default [] */
            readonly filters: readonly components["schemas"]["Filter"][];
            /** @default null */
            readonly group: components["schemas"]["Group"] | null;
            /** @default [] */
            readonly sort: readonly components["schemas"]["Sort"][];
        };
        /**
         * Group
         * @description One row for each combination of values of `by`, with how many rows it has (`rows`), and the
         *     figures.
         */
        readonly Group: {
            /** @default [] */
            readonly aggregates: readonly components["schemas"]["Aggregate"][];
            readonly by: readonly string[];
        };
        /**
         * HeatMap
         * @description One metric by feature and time, the most suspect feature first: `shown` of `total`.
         *
         *     starts: when each column begins; each is `step_seconds` long, the last one may not be over.
         *     versions, segments: those that can be asked for.
         */
        readonly HeatMap: {
            readonly metric: string;
            readonly rows: readonly components["schemas"]["HeatRow"][];
            readonly segment: string;
            readonly segments: readonly string[];
            readonly shown: number;
            readonly starts: readonly string[];
            readonly step_seconds: number;
            readonly total: number;
            readonly version: string;
            readonly versions: readonly string[];
        };
        /**
         * HeatRow
         * @description One feature of a heat map. values: the worst of each column, None where nothing was measured
         *     or no hour had enough rows; rows: of the column. importance: its share of the model's gain, None
         *     if that is not known.
         */
        readonly HeatRow: {
            readonly feature: string;
            readonly importance: number | null;
            readonly rows: readonly number[];
            readonly values: readonly (number | null)[];
        };
        /**
         * HeldWindow
         * @description The window of one aggregation. start, end: in UTC; events from `start` on and before `end`
         *     are in it, all before `end` if `start` is None. rows: those of the entity that are in it and
         *     count; without: those of them that have no value. value: what a training set gets.
         */
        readonly HeldWindow: {
            readonly column: string;
            /** Format: date-time */
            readonly end: string;
            readonly feature: string;
            readonly function: string;
            readonly rows: number;
            readonly start: string | null;
            readonly value: unknown;
            readonly without: number;
        };
        /**
         * Hit
         * @description One answer of a search. code: its Python, if it is not that of its reference.
         */
        readonly Hit: {
            /** @default  */
            readonly code: string;
            readonly detail: string;
            readonly kind: string;
            readonly name: string;
            readonly ref: string;
        };
        /**
         * HitPage
         * @description A page of hits. facets: how many of all hits have each value, by facet; the most frequent
         *     values first.
         */
        readonly HitPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly facets: {
                readonly [key: string]: {
                    readonly [key: string]: number;
                };
            };
            readonly items: readonly components["schemas"]["Hit"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * HourOfDrift
         * @description The largest PSI of any feature that an evaluation found in the hour from `at` on; None if
         *     none was measured.
         */
        readonly HourOfDrift: {
            /** Format: date-time */
            readonly at: string;
            readonly psi: number | null;
        };
        /**
         * Inspection
         * @description What an ingest would read, by the beginning of the files; nothing is written.
         *
         *     whole: the beginning is all of them, so types and counts are final. data[i][j] is column i of
         *     row j, JSON-safe. rows: how many were read; bad: how many of them do not fit; refused: why an
         *     ingest would refuse them, else empty. exists: whether the dataset exists. notes: files that are
         *     left out.
         */
        readonly Inspection: {
            readonly bad: number;
            readonly broken: readonly components["schemas"]["BadRow"][];
            readonly columns: readonly components["schemas"]["ReadColumn"][];
            readonly data: readonly (readonly unknown[])[];
            readonly dataset: string | null;
            readonly doubts: readonly components["schemas"]["ReadDoubt"][];
            readonly exists: boolean;
            readonly files: readonly components["schemas"]["ReadFile"][];
            /** @default [] */
            readonly notes: readonly string[];
            readonly refused: string;
            readonly rows: number;
            readonly shown: number;
            readonly whole: boolean;
        };
        /**
         * Job
         * @description What is known about a job. reason: why it waits, or why it ended as it did. gpu_ids: the GPUs
         *     that it has.
         *
         *     progress: 0 to 1, None if unknown. output: the executed notebook, relative to the project if it
         *     is below it. snapshot: of the code it runs from. checkpoints: its folder for them. remote: its
         *     id in the backend. run: id of the newest tracked run that it made, if a single job is shown.
         *     array: of an array as a whole, whose state is the common state of its elements. part_of, index:
         *     of an element, the array's id and its index from 0. held_by: who keeps it from starting. after:
         *     jobs that it waits for. code: how to open it, per interface.
         */
        readonly Job: {
            /** @default [] */
            readonly after: readonly string[];
            /** @default null */
            readonly array: components["schemas"]["Array"] | null;
            readonly attempt: number;
            readonly backend: string;
            readonly checkpoints: string | null;
            readonly code: {
                readonly [key: string]: string;
            };
            readonly command: readonly string[];
            readonly cpus: number;
            readonly elapsed_seconds: number | null;
            readonly ended_at: string | null;
            readonly exit_code: number | null;
            readonly gpu_ids: readonly string[];
            readonly gpu_type: string | null;
            readonly gpus: number;
            /** @default  */
            readonly held_by: string;
            readonly id: string;
            /** @default null */
            readonly index: number | null;
            readonly labels: {
                readonly [key: string]: string;
            };
            readonly memory_gib: number | null;
            readonly name: string;
            readonly notebook: string | null;
            readonly output: string | null;
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            /** @default null */
            readonly part_of: string | null;
            readonly priority: number;
            readonly progress: components["schemas"]["Number"] | null;
            readonly progress_text: string;
            readonly queue: string | null;
            readonly reason: string;
            readonly ref: string;
            /** @default null */
            readonly remote: string | null;
            readonly retries: number;
            /** @default null */
            readonly run: string | null;
            readonly snapshot: string | null;
            readonly started_at: string | null;
            readonly state: components["schemas"]["JobState"];
            /** Format: date-time */
            readonly submitted_at: string;
            readonly time_limit_minutes: number | null;
            readonly user: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly JobPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Job"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * JobParameter
         * @description A parameter that a job ran with. given: whether the submit set it; else it is the notebook's
         *     default at that time.
         */
        readonly JobParameter: {
            readonly given: boolean;
            readonly name: string;
            readonly type: string;
            readonly value: unknown;
        };
        /**
         * JobState
         * @description The state of a job. succeeded, failed, cancelled and lost are final.
         * @enum {string}
         */
        readonly JobState: "queued" | "starting" | "running" | "succeeded" | "failed" | "cancelled" | "lost";
        /**
         * JudgedRow
         * @description One row of a source, as a join sees it for one entity at one time. event_at, created_at: in
         *     UTC. values: by feature. why: the verdict in words.
         */
        readonly JudgedRow: {
            readonly created_at: string | null;
            readonly event_at: string | null;
            readonly values: {
                readonly [key: string]: unknown;
            };
            /** @enum {string} */
            readonly verdict: "taken" | "counted" | "older" | "tie_created" | "tie_order" | "outranked" | "expired" | "later" | "created_later" | "no_time" | "outside" | "pending";
            readonly why: string;
        };
        /**
         * KnownRow
         * @description A row to try a deployment with: of the model's sample, or of a request that was logged.
         */
        readonly KnownRow: {
            /** @default null */
            readonly at: string | null;
            /** @default  */
            readonly id: string;
            /** @enum {string} */
            readonly origin: "sample" | "logged";
            readonly row: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly KnownRowPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["KnownRow"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * KpiFigure
         * @description The mean worth of a row with a label or a reward, with its interval. total: of all of them;
         *     its interval is that of the mean times `rows`. outcomes: rows of true positives (tp), false
         *     positives (fp), false negatives (fn), true negatives (tn), of pairs of classes, or of values
         *     that were too high (over), too low (under) or right (exact); empty for rewards.
         */
        readonly KpiFigure: {
            readonly confidence: number;
            readonly high: number;
            readonly low: number;
            readonly outcomes: {
                readonly [key: string]: number;
            };
            readonly rows: number;
            readonly total: number;
            readonly value: number;
        };
        /**
         * LabelCounts
         * @description What became of labels that were not joined, whatever the window. refused: could not be used,
         *     or came for a request that was never found; waiting: for a request that is not in the payload
         *     log yet.
         */
        readonly LabelCounts: {
            /** @default 0 */
            readonly refused: number;
            /** @default 0 */
            readonly waiting: number;
        };
        /**
         * LabelReport
         * @description What became of some labels. read: rows of the file; joined: answered rows that have a label
         *     or a reward from it; replaced: of those, how many had one before. unknown: request ids that are
         *     not in the payload log, of which the first are named; their labels wait, see `Unjoined`. bad:
         *     labels that were refused, such as those of a row that its request lacks, or of a request that
         *     was refused; bad_rows: the first reasons, each once. coverage: by version, the share of answered
         *     rows of the hours concerned that have a label now.
         */
        readonly LabelReport: {
            readonly bad: number;
            readonly bad_rows: readonly string[];
            readonly coverage: {
                readonly [key: string]: number;
            };
            readonly joined: number;
            readonly monitor: string;
            readonly read: number;
            readonly replaced: number;
            readonly unknown: number;
            readonly unknown_ids: readonly string[];
        };
        /**
         * LabelSpec
         * @description How labels are resolved that several labelers gave. policy: last_write_wins,
         *     labeler_priority or majority_vote. labeler: the column that names who gave a label.
         *     priorities: labelers, the strongest first. about: the view that is labelled, or empty.
         */
        readonly LabelSpec: {
            /** @default  */
            readonly about: string;
            readonly labeler: string;
            readonly policy: string;
            /** @default [] */
            readonly priorities: readonly string[];
        };
        /**
         * LatencyPoint
         * @description The requests that arrived in a span of time that begins `at`. errors: answers from 500 on.
         *     p50_ms, p95_ms, p99_ms: of those that were answered, in the model's process; None without one.
         */
        readonly LatencyPoint: {
            /** Format: date-time */
            readonly at: string;
            readonly errors: number;
            readonly p50_ms: number | null;
            readonly p95_ms: number | null;
            readonly p99_ms: number | null;
            readonly requests: number;
        };
        /**
         * LatencySeries
         * @description Latency and rate in a span of time. bucket_seconds: of a point. complete_since: what came
         *     before is not in it, because the log of the span is larger than what is read.
         */
        readonly LatencySeries: {
            readonly bucket_seconds: number;
            /** Format: date-time */
            readonly complete_since: string;
            /** Format: date-time */
            readonly since: string;
            /** Format: date-time */
            readonly until: string;
            readonly versions: readonly components["schemas"]["VersionLatency"][];
        };
        /**
         * LeftOut
         * @description A file that is not in a code snapshot; the job sees the project's own. size: bytes.
         */
        readonly LeftOut: {
            readonly path: string;
            readonly size: number;
            readonly why: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly LeftOutPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["LeftOut"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * LiveComparison
         * @description A version beside the one that is live in a deployment: that with most of its traffic.
         *
         *     version, live: such as `flights/2`. traffic: percent of the live one. rows: metrics, parameters,
         *     datasets, code, signature, environment, with the value of the live one and of the other;
         *     those that differ come first. code: how the files of the project differ, as git writes it.
         *     notes: what is not compared and why, and whether the notebook was changed since.
         */
        readonly LiveComparison: {
            readonly code: string;
            readonly deployment: string;
            readonly live: string;
            readonly notes: readonly string[];
            readonly rows: readonly components["schemas"]["Difference"][];
            readonly traffic: number;
            readonly version: string;
        };
        /**
         * LogChunk
         * @description A byte range of a log. next: offset to continue from. size: existing bytes. ended: nothing
         *     more will come. note: why there is no text.
         */
        readonly LogChunk: {
            readonly ended: boolean;
            readonly next: number;
            /** @default  */
            readonly note: string;
            readonly offset: number;
            readonly size: number;
            readonly text: string;
        };
        /**
         * LoggedRequest
         * @description One row of a request in the payload log. id: comes from the caller, so it may occur twice.
         *     row: within its request, from 0. at: its arrival. latency_ms: in the model's process.
         *
         *     answer: what the model answered, by output: probabilities by the name of their class, if the
         *     model has told it. features: in a list the first ones of `inputs`.
         *     masked: features whose values are not shown. label: what was reported as true, a number or the
         *     name of a class; None while it is unknown. why: the reason of a request that was refused or has
         *     failed.
         */
        readonly LoggedRequest: {
            readonly answer: {
                readonly [key: string]: unknown;
            };
            /** Format: date-time */
            readonly at: string;
            readonly features: {
                readonly [key: string]: unknown;
            };
            readonly id: string;
            readonly inputs: number;
            readonly label: number | string | null;
            readonly latency_ms: number;
            readonly masked: readonly string[];
            readonly row: number;
            readonly status: number;
            readonly version: string;
            readonly why: string;
        };
        /**
         * LoggedRequestDetail
         * @description One row of a request with all that is known of it. body: a request that repeats the row, in
         *     Seldon's protocol; None with `not_repeatable`, the reason why there is none. sent: the beginning
         *     of the body of a request that was refused. code: the same request by every interface.
         */
        readonly LoggedRequestDetail: {
            readonly body: {
                readonly [key: string]: unknown;
            } | null;
            readonly code: {
                readonly [key: string]: string;
            };
            readonly not_repeatable: string;
            readonly request: components["schemas"]["LoggedRequest"];
            readonly sent: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly LoggedRequestPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["LoggedRequest"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * LogHit
         * @description A line of a log that contains the searched text. line: its number from 1. offset: its first
         *     byte. text: the hit with its surroundings, cut.
         */
        readonly LogHit: {
            readonly line: number;
            readonly offset: number;
            readonly text: string;
        };
        /**
         * LogHits
         * @description Lines of a log with a text. total: of those from the beginning to where it was read, all of
         *     them unless `more`. cursor: for the next ones.
         */
        readonly LogHits: {
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["LogHit"][];
            readonly more: boolean;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Manifests
         * @description A deployment as a cluster takes it. yaml: all of them in one text, in the order in which they
         *     are applied. path: where it was written; empty if it was not.
         */
        readonly Manifests: {
            readonly deployment: string;
            readonly kind: string;
            readonly manifests: readonly {
                readonly [key: string]: unknown;
            }[];
            readonly namespace: string;
            /** @default  */
            readonly path: string;
            readonly yaml: string;
        };
        /**
         * MemoryFigures
         * @description Memory of processes, in MiB: in the newest minute and at most.
         */
        readonly MemoryFigures: {
            readonly max_mib: number;
            readonly mib: number;
        };
        /**
         * Model
         * @description One registered model. aliases: alias to version number.
         */
        readonly Model: {
            readonly aliases: {
                readonly [key: string]: number;
            };
            readonly description: string;
            readonly name: string;
            readonly ref: string;
            readonly updated_at: string | null;
            readonly versions: number;
        };
        /**
         * ModelCard
         * @description One version with all that is known of it.
         *
         *     owner: who registered it, else who ran it. description: of the version. flavors: the libraries
         *     that can load it; python: with which it was logged. inputs, outputs, requirements, params: at
         *     most 500 of each; `left_out` counts what is not in them. size_bytes: of its files; None if they
         *     are not on this machine. run: that made it; None if it is gone. unread: why its files could not
         *     be read, usually empty.
         */
        readonly ModelCard: {
            readonly description: string;
            readonly flavors: readonly string[];
            readonly inputs: readonly components["schemas"]["CardColumn"][];
            readonly left_out: number;
            readonly outputs: readonly components["schemas"]["CardColumn"][];
            readonly owner: string;
            readonly params: {
                readonly [key: string]: string;
            };
            readonly python: string;
            readonly requirements: readonly string[];
            readonly run: components["schemas"]["Run"] | null;
            readonly size_bytes: number | null;
            readonly tags: {
                readonly [key: string]: string;
            };
            readonly unread: string;
            readonly version: components["schemas"]["Version"];
        };
        /**
         * ModelDetail
         * @description A model's page; versions newest first, at most 200 (`model.versions` counts all).
         */
        readonly ModelDetail: {
            readonly code: {
                readonly [key: string]: string;
            };
            readonly model: components["schemas"]["Model"];
            readonly versions: readonly components["schemas"]["Version"][];
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly ModelPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Model"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Monitor
         * @description One monitor in a list. requests: in the window, refused and failed ones too; rows: those that
         *     were answered. worst: the feature with the largest PSI. lately: the last 24 hours with an
         *     evaluation, oldest first. note: what is to be said of the settings that it was just given.
         */
        readonly Monitor: {
            readonly deployment: string;
            readonly evaluated_at: string | null;
            readonly last_request_at: string | null;
            /** @default [] */
            readonly lately: readonly components["schemas"]["HourOfDrift"][];
            readonly name: string;
            /** @default  */
            readonly note: string;
            readonly ref: string;
            readonly requests: components["schemas"]["Number"];
            readonly rows: components["schemas"]["Number"];
            readonly state: components["schemas"]["AlertState"];
            readonly worst: string;
            readonly worst_psi: components["schemas"]["Number"] | null;
        };
        /**
         * MonitorFigures
         * @description Everything that is measured of one version in a window. What could not be measured is None,
         *     and `reasons` says why, by key.
         *
         *     against: what drift is against: the reference of a version, or a span of time. drift: by
         *     feature, the most suspect first. fill_rate, unseen, out_of_range: shares of rows by feature.
         *     problems: what makes the window incomplete. memory, cpu, gpu, in_flight (requests at once, at
         *     most): of the serving processes together. kpi_before: the KPI of as long a window before.
         *     heat: the PSI of the most suspect features over time, if it was asked for. scores: of the
         *     answer, of several the first; outputs: of each of several, by the name of the class or output;
         *     predicted: of the class with the largest probability, None of other answers or without a
         *     reference. dates: of inputs that are dates.
         */
        readonly MonitorFigures: {
            readonly against: string;
            readonly cpu: components["schemas"]["CpuFigures"] | null;
            readonly dates: {
                readonly [key: string]: components["schemas"]["DateRange"];
            };
            readonly drift: {
                readonly [key: string]: components["schemas"]["Distances"];
            };
            readonly fill_rate: {
                readonly [key: string]: number | null;
            };
            /** @default null */
            readonly gpu: components["schemas"]["GpuFigures"] | null;
            /** @default null */
            readonly heat: components["schemas"]["HeatMap"] | null;
            readonly in_flight: number | null;
            readonly kpi: components["schemas"]["KpiFigure"] | null;
            /** @default null */
            readonly kpi_before: number | null;
            readonly labels: components["schemas"]["LabelCounts"];
            readonly latency: components["schemas"]["ServiceFigures"] | null;
            readonly memory: components["schemas"]["MemoryFigures"] | null;
            readonly monitor: string;
            readonly out_of_range: {
                readonly [key: string]: number | null;
            };
            readonly outputs: {
                readonly [key: string]: components["schemas"]["ScoreFigures"];
            };
            readonly performance: components["schemas"]["PerformanceFigures"];
            /** @default null */
            readonly predicted: components["schemas"]["ClassFigures"] | null;
            readonly problems: readonly string[];
            readonly reasons: {
                readonly [key: string]: string;
            };
            readonly retries: number | null;
            readonly rows: number;
            readonly scores: components["schemas"]["ScoreFigures"] | null;
            readonly segment: string;
            readonly suspects: readonly components["schemas"]["Suspect"][];
            readonly unseen: {
                readonly [key: string]: number | null;
            };
            readonly version: string;
            /** Format: date-time */
            readonly window_end: string;
            /** Format: date-time */
            readonly window_start: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly MonitorPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Monitor"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * MonitorStatus
         * @description A monitor's page.
         *
         *     reference: of the version whose rows `drift` and `score` are about. versions: answered rows per
         *     version. dropped: requests that the payload log had to drop. error_fraction: answers from 500
         *     on; refused_fraction: those from 400 to 499. drift: the features that moved the most, of
         *     `features` that were compared. trouble: why nothing was compared, as without a reference;
         *     `reference` is empty then.
         *     problems: what makes the window incomplete, such as a broken file of the log.
         *     next_evaluation_at: when the rules are judged again; None if that is not planned. alerts: the
         *     quiet ones of a rule as one.
         */
        readonly MonitorStatus: {
            readonly alerts: readonly components["schemas"]["Alert"][];
            readonly code: {
                readonly [key: string]: string;
            };
            readonly drift: readonly components["schemas"]["FeatureDrift"][];
            readonly dropped: number;
            readonly error_fraction: components["schemas"]["Number"] | null;
            readonly features: number;
            readonly monitor: components["schemas"]["Monitor"];
            /** @default null */
            readonly next_evaluation_at: string | null;
            /** @default [] */
            readonly outputs: readonly components["schemas"]["FeatureDrift"][];
            readonly p50_ms: components["schemas"]["Number"] | null;
            readonly p95_ms: components["schemas"]["Number"] | null;
            /** @default null */
            readonly predicted: components["schemas"]["FeatureDrift"] | null;
            /** @default [] */
            readonly problems: readonly string[];
            readonly reference: string;
            readonly refused_fraction: components["schemas"]["Number"] | null;
            readonly score: components["schemas"]["FeatureDrift"] | null;
            readonly trouble: string;
            readonly versions: {
                readonly [key: string]: number;
            };
            readonly window_end: string | null;
            readonly window_start: string | null;
        };
        readonly Names: readonly string[];
        /**
         * Namespace
         * @description A namespace. datasets: how many datasets and other tables it has.
         */
        readonly Namespace: {
            readonly datasets: number;
            readonly name: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly NamespacePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Namespace"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Needs
         * @description What a clone asks for instead; missing fields are as in the original.
         */
        readonly Needs: {
            readonly after?: readonly string[];
            /** @description Where it runs. */
            readonly backend?: string | null;
            /** @description Slots; 0 for a job that mostly waits. */
            readonly cpus?: number;
            /** @description A word of the device's name, such as A100. */
            readonly gpu_type?: string | null;
            /** @description Whole ones, or below 1 a part of one: 0.5. */
            readonly gpus?: number;
            /** @description Reserved for the job, not enforced. */
            readonly memory_gib?: number | null;
            readonly name?: string;
            /** @description 0 is last, 100 first. */
            readonly priority?: number;
            /** @description Partition or queue of that backend. */
            readonly queue?: string | null;
            /** @description New attempts after a failure, each from the last checkpoint. */
            readonly retries?: number;
            /** @description The job is ended after this time. */
            readonly time_limit_minutes?: number | null;
        };
        /**
         * NewKey
         * @description A key that was just made. key: what a client sends as `Authorization: Bearer KEY`; it is
         *     told here and never again.
         *
         *     pending: why the gateway does not take it yet, and when it will; empty: it takes it.
         */
        readonly NewKey: {
            readonly deployment: string;
            readonly expires_at: string | null;
            readonly id: string;
            readonly key: string;
            readonly name: string;
            /** @default  */
            readonly pending: string;
        };
        /**
         * Number
         * @description A number with its basis.
         *
         *     n: rows that it was computed from. error: relative error of an approximation (0.01 = 1 %).
         */
        readonly Number: {
            /**
             * @default exact
             * @enum {string}
             */
            readonly basis: "exact" | "approx" | "sample" | "est" | "n";
            /** @default null */
            readonly error: number | null;
            /** @default null */
            readonly n: number | null;
            readonly value: number | string | null;
        };
        /**
         * OnlineRow
         * @description Online values of one entity. Keys of the three maps are `view:feature`; a value that is not
         *     PRESENT is None.
         */
        readonly OnlineRow: {
            readonly entity: {
                readonly [key: string]: unknown;
            };
            readonly event_at: {
                readonly [key: string]: string | null;
            };
            readonly status: {
                readonly [key: string]: components["schemas"]["OnlineStatus"];
            };
            readonly values: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * OnlineStatus
         * @description The status of one online value: a value; a null that was stored as one; past its ttl, so that
         *     it does not count; not in the store.
         * @enum {string}
         */
        readonly OnlineStatus: "PRESENT" | "NULL" | "EXPIRED" | "NOT_FOUND";
        /**
         * Orphan
         * @description A file in the folder of a table. why: why nobody needs it, or why it is kept all the same.
         */
        readonly Orphan: {
            readonly age_hours: number;
            readonly bytes: number;
            readonly file: string;
            readonly why: string;
        };
        /**
         * OutputPerformance
         * @description Performance of one of several outputs. rows: those with a label of it.
         */
        readonly OutputPerformance: {
            readonly metrics: {
                readonly [key: string]: number | null;
            };
            readonly rows: number;
        };
        /**
         * Parameter
         * @description One name in the cell tagged `parameters`. type: the annotation, else the default's type.
         *     default: a JSON value, else its source text.
         */
        readonly Parameter: {
            readonly default: unknown;
            readonly name: string;
            readonly type: string;
        };
        /**
         * PastResult
         * @description A result that was kept. snapshot: of the dataset then; empty for an ingest that was refused.
         *     by: who asked, or `ingest`, which looks at the new rows alone.
         */
        readonly PastResult: {
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            readonly failed_rows: number | null;
            readonly passed: boolean;
            readonly rows: number | null;
            readonly rule: string;
            readonly snapshot: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly PastResultPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["PastResult"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * PerformanceEstimate
         * @description Performance without labels. method: CBPE, PAPE or DLE. caveat: what it cannot see.
         */
        readonly PerformanceEstimate: {
            readonly caveat: string;
            readonly method: string;
            readonly metrics: {
                readonly [key: string]: number | null;
            };
            readonly rows: number;
        };
        /**
         * PerformanceFigures
         * @description estimated, and estimated_under_shift (PAPE): None with a reason if they cannot be computed.
         *     label_coverage: the share of answered rows that have a label.
         */
        readonly PerformanceFigures: {
            readonly estimated: components["schemas"]["PerformanceEstimate"] | null;
            readonly estimated_under_shift: components["schemas"]["PerformanceEstimate"] | null;
            readonly label_coverage: number | null;
            readonly real: components["schemas"]["RealPerformance"] | null;
        };
        /**
         * Pipeline
         * @description One pipeline in a list. last: states of the newest runs, newest last (at most 5). problem:
         *     what is wrong with its file.
         */
        readonly Pipeline: {
            readonly description: string;
            readonly last: readonly components["schemas"]["RunState"][];
            readonly name: string;
            readonly path: string;
            /** @default  */
            readonly problem: string;
            readonly ref: string;
            readonly steps: number;
        };
        /**
         * PipelineDetail
         * @description A pipeline's page: the graph, and its newest runs, newest first (at most 5 of `runs_total`).
         *
         *     parameters: with their defaults. date: the parameter that is the date of a run; empty if nothing
         *     depends on one.
         */
        readonly PipelineDetail: {
            readonly code: {
                readonly [key: string]: string;
            };
            /** @default  */
            readonly date: string;
            readonly graph: readonly components["schemas"]["Step"][];
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            readonly pipeline: components["schemas"]["Pipeline"];
            readonly runs: readonly components["schemas"]["PipelineRun"][];
            readonly runs_total: number;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly PipelinePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Pipeline"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * PipelineRun
         * @description One execution of a pipeline. reason: why it ended as it did, or that it has no driver any
         *     more; often empty.
         *
         *     date: the value of the pipeline's date, empty if it depends on none. repairs: the run whose
         *     failed steps this one ran again. backend: where its jobs were sent, None for the default.
         *     backfill: id of the backfill that it is part of. repairable: it has ended, and has steps that a
         *     repair would run again. only: the step, if the run was of one step alone.
         */
        readonly PipelineRun: {
            /** @default null */
            readonly backend: string | null;
            /** @default  */
            readonly backfill: string;
            /** @default  */
            readonly date: string;
            readonly ended_at: string | null;
            /** @default  */
            readonly only: string;
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            readonly pipeline: string;
            /** @default  */
            readonly reason: string;
            /** @default false */
            readonly repairable: boolean;
            /** @default  */
            readonly repairs: string;
            readonly run: string;
            /** Format: date-time */
            readonly started_at: string;
            readonly state: components["schemas"]["RunState"];
            readonly steps: readonly components["schemas"]["StepRun"][];
            readonly user: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly PipelineRunPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["PipelineRun"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * PlanState
         * @description running: steps come by themselves. paused: held; a breach still rolls it back. The others are
         *     final. succeeded: the last step has passed too. rolled_back: after a breach, or by hand.
         *     stopped: another change of the traffic ended it.
         * @enum {string}
         */
        readonly PlanState: "running" | "paused" | "succeeded" | "rolled_back" | "stopped";
        /**
         * Point
         * @description One figure of one window, [start, end) in seconds since 1970.
         *
         *     labels: `version` always; `feature` where it applies; `segment`, as `column=value`, for a part
         *     of the rows; `against` of drift against something else than the reference. value: None if it
         *     could not be measured: no data, which is never green. rows: it is of. error: by how much it may
         *     be off, at most, as it is computed from a summary of the values: 0 for what is exact, None where
         *     no bound is known; of a quantile (`p95_ms`) a share of rows.
         */
        readonly Point: {
            readonly end: number;
            /** @default null */
            readonly error: number | null;
            readonly labels: {
                readonly [key: string]: string;
            };
            readonly metric: string;
            readonly rows: number;
            readonly start: number;
            readonly value: number | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly PointPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Point"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Prediction
         * @description An answer: predictions in the order of the rows, the version that made them, and the time of
         *     the round trip.
         */
        readonly Prediction: {
            readonly milliseconds: number;
            readonly names: readonly string[];
            readonly predictions: readonly unknown[];
            readonly request_id: string;
            readonly version: string;
        };
        /**
         * Profile
         * @description A profile of a snapshot. tier: footer (file statistics), sample (some rows), exact (all
         *     rows). rows: those of the table; None if they would have to be counted. columns: by name.
         *     files_read: data files whose rows were read for it; what is known of the others was kept.
         *     seconds: how long it took. first_rows: a sample of the first rows, which may differ from others:
         *     to draw it from all rows, all of a large file of text would have to be read.
         */
        readonly Profile: {
            readonly columns: {
                readonly [key: string]: components["schemas"]["ColumnProfile"];
            };
            readonly files_read: number;
            /** @default false */
            readonly first_rows: boolean;
            readonly ref: string;
            readonly rows: number | null;
            readonly seconds: number;
            readonly snapshot: string | null;
            /** @enum {string} */
            readonly tier: "footer" | "sample" | "exact";
        };
        /**
         * ProjectRecord
         * @description The project of this server. root: its folder. path: that folder in JupyterLab's file browser;
         *     None outside its root.
         */
        readonly ProjectRecord: {
            readonly goal: string;
            readonly kpi: string;
            readonly name: string;
            readonly owner: string;
            readonly path: string | null;
            readonly root: string;
            readonly title: string;
            readonly user: string;
        };
        /**
         * Proposal
         * @description A first file for some notebooks. path: below the project, where no file was yet. saved:
         *     whether it was written.
         */
        readonly Proposal: {
            readonly path: string;
            /** @default false */
            readonly saved: boolean;
            readonly text: string;
        };
        /**
         * Pushed
         * @description What `push` wrote. rows: taken ones. older: keys of which a newer row is online, which stays.
         *     rejected: the first of `rejected_rows`.
         */
        readonly Pushed: {
            readonly older: number;
            readonly rejected: readonly components["schemas"]["Rejected"][];
            readonly rejected_rows: number;
            readonly rows: number;
            readonly source: string;
            readonly to: string;
            readonly views: readonly string[];
        };
        /**
         * Quality
         * @description The rules of a dataset with their newest results; nothing is read for it. at, snapshot: of
         *     the newest result; None before the first. newest: the dataset's snapshot now.
         */
        readonly Quality: {
            readonly at: string | null;
            readonly dataset: string;
            readonly freshness: components["schemas"]["Watch"];
            readonly newest: string | null;
            readonly rules: readonly components["schemas"]["RuleState"][];
            readonly snapshot: string | null;
            readonly volume: components["schemas"]["Watch"];
        };
        /**
         * QueuedJob
         * @description A waiting job. position: from 1, in the order of the queue. starts_at: an estimate, from
         *     limits and earlier runs; None if unknown.
         */
        readonly QueuedJob: {
            readonly job: components["schemas"]["Job"];
            readonly position: number;
            readonly starts_at: string | null;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly QueuedJobPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["QueuedJob"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * ReadColumn
         * @description One column of the inspected files. guessed: whether its type was guessed; in_dataset: the
         *     dataset has it, and its type counts.
         *
         *     decimal, thousands, date_format: how its values are spelled, if not as 1234.5 and ISO 8601.
         */
        readonly ReadColumn: {
            /** @default  */
            readonly date_format: string;
            /** @default . */
            readonly decimal: string;
            readonly guessed: boolean;
            readonly in_dataset: boolean;
            readonly name: string;
            /** @default  */
            readonly thousands: string;
            readonly type: string;
        };
        /**
         * ReadDoubt
         * @description A guess that may be wrong. option: the one that settles it. stops: an ingest is refused until
         *     it is set.
         */
        readonly ReadDoubt: {
            readonly fix: string;
            readonly option: string;
            readonly stops: boolean;
            readonly what: string;
        };
        /**
         * ReadFile
         * @description One inspected file, or the table of a database (`table`), or a Delta table that is to be
         *     registered (`delta`). snapshot: the one that already added it to the dataset; None for a new
         *     file.
         *
         *     encoding … header: how it is split into records and fields, for CSV. guessed: which of these
         *     were guessed. sheets: of a workbook.
         */
        readonly ReadFile: {
            readonly bytes: number;
            /** @default null */
            readonly comment: string | null;
            /** @default null */
            readonly encoding: string | null;
            /** @default [] */
            readonly guessed: readonly string[];
            /** @default null */
            readonly header: boolean | null;
            /** @enum {string} */
            readonly kind: "csv" | "json" | "parquet" | "arrow" | "excel" | "table" | "delta";
            readonly path: string;
            /** @default null */
            readonly quote: string | null;
            /** @default null */
            readonly separator: string | null;
            /** @default [] */
            readonly sheets: readonly string[];
            /** @default null */
            readonly skip: number | null;
            /** @default null */
            readonly snapshot: string | null;
        };
        /**
         * RealPerformance
         * @description Performance of labelled rows, of several outputs that of the first. confusion: None of
         *     values, and of more than 50 classes. outputs: of each output that has labels of its own, by
         *     name.
         */
        readonly RealPerformance: {
            readonly changes: readonly components["schemas"]["Turn"][];
            /** @default null */
            readonly confusion: components["schemas"]["Confusion"] | null;
            readonly metrics: {
                readonly [key: string]: number | null;
            };
            readonly outputs: {
                readonly [key: string]: components["schemas"]["OutputPerformance"];
            };
            readonly rows: number;
        };
        /**
         * Rejected
         * @description A row that was not pushed. row: its number, the first is 1. why: what is wrong with the value
         *     of this column.
         */
        readonly Rejected: {
            readonly column: string;
            readonly row: number;
            readonly why: string;
        };
        /**
         * ResourcePoint
         * @description What a job used at a moment. cpu: share of the CPUs that it asked for, above 1 if it uses
         *     more. memory_gib: of all its processes.
         */
        readonly ResourcePoint: {
            /** Format: date-time */
            readonly at: string;
            readonly cpu: number;
            readonly gpus: readonly components["schemas"]["GpuPoint"][];
            readonly memory_gib: number;
        };
        /**
         * Resources
         * @description What the newest attempt of a job used, oldest point first. memory_limit_gib: what it asked
         *     for.
         */
        readonly Resources: {
            readonly cpus: number;
            readonly memory_limit_gib: number | null;
            readonly points: readonly components["schemas"]["ResourcePoint"][];
        };
        /**
         * Restored
         * @description A dataset that has the rows and columns of an earlier snapshot again. snapshot: the new one.
         *     undo: the command that takes it back; empty if it had those rows already. note: what else is to
         *     be known.
         */
        readonly Restored: {
            readonly dataset: string;
            /** @default  */
            readonly note: string;
            readonly restored_from: string;
            readonly rows: number | null;
            readonly snapshot: string;
            readonly undo: string;
        };
        /**
         * Retagged
         * @description Tags of a view in the file that defines it. file: below the project; line: where the view is
         *     defined. tags: all that it has then. diff: the lines that change, as a unified diff; empty if
         *     they say so already. used_by: what uses a view that is deprecated. applied: what changed in the
         *     registry; None if nothing was applied.
         */
        readonly Retagged: {
            /** @default null */
            readonly applied: components["schemas"]["AppliedViews"] | null;
            readonly diff: string;
            readonly file: string;
            readonly line: number;
            readonly tags: {
                readonly [key: string]: string;
            };
            /** @default [] */
            readonly used_by: readonly string[];
            readonly view: string;
            readonly written: boolean;
        };
        /**
         * Revealed
         * @description Masked values that were shown to somebody. verb: what showed them, such as `preview`, or
         *     `untag` where the tag `pii` was taken off, or `delete` of a dataset with it. face:
         *     where. dataset, columns: whose they are.
         */
        readonly Revealed: {
            /** Format: date-time */
            readonly at: string;
            readonly columns: readonly string[];
            readonly dataset: string;
            /** @enum {string} */
            readonly face: "rest" | "cli" | "magic" | "python";
            readonly id: number;
            readonly user: string;
            readonly verb: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly RevealedPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Revealed"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * RowBlock
         * @description Part of a table, column by column. data[i][j] is column i of row start + j; values are
         *     JSON-safe. masked: the columns whose values are not shown.
         */
        readonly RowBlock: {
            readonly columns: readonly components["schemas"]["Column"][];
            readonly data: readonly (readonly unknown[])[];
            /** @default [] */
            readonly masked: readonly string[];
            readonly shown: number;
            readonly snapshot: string | null;
            readonly start: number;
            readonly total: number;
        };
        /**
         * Rule
         * @description One rule of a dataset. rule: its name, by default its text. text: what it demands, in words.
         *     columns: those that it is about; none for a rule about the whole dataset.
         */
        readonly Rule: {
            /** Format: date-time */
            readonly at: string;
            readonly columns: readonly string[];
            readonly dataset: string;
            readonly rule: string;
            /** @enum {string} */
            readonly severity: "block" | "warn" | "quarantine";
            readonly text: string;
            readonly user: string;
        };
        /**
         * RuleBacktest
         * @description What one rule would have done to one monitor.
         *
         *     fired: how often. firing_seconds: for how long altogether. measured: windows that it could
         *     judge, of `windows`. episodes: the newest ones first. source: what gave its metric: the payload
         *     log, the hourly series, or both.
         */
        readonly RuleBacktest: {
            readonly episodes: readonly components["schemas"]["Episode"][];
            readonly fired: number;
            readonly firing_seconds: number;
            readonly longest_seconds: number;
            readonly measured: number;
            readonly monitor: string;
            readonly note: string;
            readonly rule: string;
            readonly severity: string;
            /** @default  */
            readonly source: string;
            readonly windows: number;
        };
        /**
         * RuleCheck
         * @description A rule file that was checked. rules: their names; empty if there is a fault.
         */
        readonly RuleCheck: {
            readonly faults: readonly components["schemas"]["RuleFault"][];
            readonly file: string;
            readonly rules: readonly string[];
        };
        /**
         * RuleDraft
         * @description What the text of a rule file means before it is saved. rules: also of a text with faults, if
         *     it is YAML. metrics: that a rule can compare.
         */
        readonly RuleDraft: {
            readonly faults: readonly components["schemas"]["RuleFault"][];
            readonly file: string;
            readonly group: string;
            readonly metrics: readonly string[];
            readonly monitor: string;
            readonly rules: readonly components["schemas"]["DraftRule"][];
        };
        /**
         * RuleFault
         * @description What is wrong in a rule file. line: where, from 1; None if it is the whole file.
         */
        readonly RuleFault: {
            readonly fix: string;
            /** @default null */
            readonly line: number | null;
            readonly what: string;
            readonly why: string;
        };
        /**
         * RuleResult
         * @description What one rule found. passed: no row fails, or no more than the rule lets fail. failed_rows:
         *     None where a rule is not about rows, or could not be asked. rows: how many it looked at. sample:
         *     some of the rows that failed, without the values of columns with personal data. error: why it
         *     could not be asked; then it has not passed.
         */
        readonly RuleResult: {
            /** @default [] */
            readonly columns: readonly string[];
            /** @default  */
            readonly error: string;
            readonly failed_rows: number | null;
            readonly passed: boolean;
            readonly rows: number | null;
            readonly rule: string;
            readonly sample: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @enum {string} */
            readonly severity: "block" | "warn" | "quarantine";
            /** @default  */
            readonly text: string;
        };
        /**
         * RulesEdited
         * @description The text of a rule file after a change.
         */
        readonly RulesEdited: {
            readonly text: string;
        };
        /**
         * RuleState
         * @description A rule with what is known of it without asking: its newest result, and the newest of all,
         *     newest first, as far as they are kept here; `results` counts them all.
         */
        readonly RuleState: {
            readonly history: readonly components["schemas"]["PastResult"][];
            readonly last: components["schemas"]["RuleResult"] | null;
            readonly results: number;
            readonly rule: components["schemas"]["Rule"];
        };
        /**
         * Run
         * @description One run. metrics: last value of each. status: running, finished, failed, killed, scheduled.
         *
         *     notebook, job, step: where it came from. datasets: references with snapshot (`name@digest` for
         *     those logged by MLflow alone). tags: without those that have a field here.
         */
        readonly Run: {
            readonly datasets: readonly string[];
            readonly duration_seconds: number | null;
            readonly ended_at: string | null;
            readonly experiment: string;
            readonly id: string;
            readonly job: string | null;
            readonly metrics: {
                readonly [key: string]: number | ("NaN" | "Infinity" | "-Infinity");
            };
            readonly name: string;
            readonly notebook: string | null;
            readonly params: {
                readonly [key: string]: string;
            };
            readonly ref: string;
            readonly started_at: string | null;
            readonly status: string;
            /** @default null */
            readonly step: string | null;
            readonly tags: {
                readonly [key: string]: string;
            };
            readonly user: string;
            readonly versions: readonly string[];
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly RunPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Run"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * RunState
         * @description The state of a pipeline run.
         * @enum {string}
         */
        readonly RunState: "running" | "succeeded" | "failed" | "cancelled";
        /**
         * SavedSet
         * @description A training set that Feast saved. stored: a dataset's reference, a path, or the kind of store.
         *     first, last: its event times.
         */
        readonly SavedSet: {
            readonly created_at: string | null;
            readonly description: string;
            readonly features: readonly string[];
            readonly first: string | null;
            readonly keys: readonly string[];
            readonly last: string | null;
            readonly name: string;
            readonly ref: string;
            readonly service: string;
            readonly stored: string;
            readonly tags: {
                readonly [key: string]: string;
            };
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly SavedSetPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["SavedSet"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Schedule
         * @description One schedule. what: `pipeline:NAME`, or the notebook or command of its job. next: five due
         *     times, ISO 8601 with the zone's offset; none during a pause.
         *
         *     next_notes: for each of them what the clocks do on that day, usually empty. missed: due times of
         *     the last 30 days that were missed and that nobody has run by hand since. last: the newest
         *     firing. problem: why it starts nothing until it is changed, usually empty.
         */
        readonly Schedule: {
            /** @enum {string} */
            readonly catchup: "latest" | "all" | "none";
            readonly code: {
                readonly [key: string]: string;
            };
            /** Format: date-time */
            readonly created_at: string;
            readonly cron: string;
            readonly grace_seconds: number;
            readonly job: {
                readonly [key: string]: unknown;
            } | null;
            readonly last: components["schemas"]["Firing"] | null;
            readonly missed: number;
            readonly name: string;
            readonly next: readonly string[];
            readonly next_notes: readonly string[];
            /** @enum {string} */
            readonly overlap: "skip" | "queue" | "cancel";
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            readonly pipeline: string | null;
            /** @default  */
            readonly problem: string;
            readonly ref: string;
            readonly state: components["schemas"]["ScheduleState"];
            readonly tz: string;
            readonly user: string;
            readonly what: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly SchedulePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Schedule"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * ScheduleState
         * @description Whether a schedule starts anything.
         * @enum {string}
         */
        readonly ScheduleState: "active" | "paused";
        /**
         * SchemaDiff
         * @description How the columns of two snapshots differ, with short types. A column is the same one if it has
         *     Iceberg's id of it, or the name of one that is gone and its type or a wider one. renamed: the
         *     new names by the old ones. retyped: old and new type, by the new name.
         */
        readonly SchemaDiff: {
            readonly added: {
                readonly [key: string]: string;
            };
            readonly removed: {
                readonly [key: string]: string;
            };
            readonly renamed: {
                readonly [key: string]: string;
            };
            readonly retyped: {
                readonly [key: string]: readonly [
                    string,
                    string
                ];
            };
        };
        /**
         * ScoreFigures
         * @description The distribution of the answers. quantiles: by share, such as `0.5`. psi: against what the
         *     drift is against. error: by how much the share of a quantile may be off.
         */
        readonly ScoreFigures: {
            readonly deviation: number | null;
            readonly error: number;
            readonly mean: number;
            readonly psi: number | null;
            readonly quantiles: {
                readonly [key: string]: number | null;
            };
            readonly rows: number;
        };
        /**
         * Service
         * @description Features that a model takes together. features: `view:feature`, with `view@v2` for a version.
         *     precomputed: Feast keeps its answers ready. logs: where they are logged, or empty. problem: the
         *     features that no view has any more, or what only Feast can do with it; else empty.
         */
        readonly Service: {
            readonly description: string;
            readonly features: readonly string[];
            readonly logs: string;
            readonly name: string;
            readonly owner: string;
            readonly precomputed: boolean;
            /** @default  */
            readonly problem: string;
            readonly ref: string;
            readonly tags: {
                readonly [key: string]: string;
            };
        };
        /**
         * ServiceDetail
         * @description The page of a feature service.
         */
        readonly ServiceDetail: {
            readonly code: {
                readonly [key: string]: string;
            };
            readonly features: readonly components["schemas"]["Feature"][];
            readonly service: components["schemas"]["Service"];
        };
        /**
         * ServiceFigures
         * @description Latency in the model's process, in ms, and the fate of the requests.
         */
        readonly ServiceFigures: {
            readonly error_fraction: number | null;
            readonly p50_ms: number | null;
            readonly p95_ms: number | null;
            readonly p99_ms: number | null;
            readonly refused_fraction: number | null;
            readonly requests: number;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly ServicePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Service"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Shape
         * @description How the values of a column are distributed.
         *
         *     kind: values (a bar for each), words (the most frequent first), bins (of equal width) or days
         *     (whole minutes, hours, days, weeks, months or years). below, above: rows with values beyond the
         *     bars, in long tails; of words, `above` counts the rows with others.
         */
        readonly Shape: {
            /** @default 0 */
            readonly above: number;
            readonly bars: readonly components["schemas"]["Bar"][];
            /** @default 0 */
            readonly below: number;
            /** @enum {string} */
            readonly kind: "values" | "words" | "bins" | "days";
        };
        /**
         * SkewReport
         * @description How the online values of a view differ from what training reads, on a sample of keys.
         *
         *     until: the end of what was materialized; later rows of the source do not count. compared,
         *     different: values. rate: of differences; upper: the largest that the sample does not contradict,
         *     at 95 %.
         */
        readonly SkewReport: {
            readonly compared: number;
            readonly different: number;
            readonly features: {
                readonly [key: string]: components["schemas"]["FeatureSkew"];
            };
            readonly missing_online: number;
            readonly passed: boolean;
            readonly rate: number | null;
            readonly sampled: number;
            /** Format: date-time */
            readonly until: string;
            readonly upper: number | null;
            readonly view: string;
        };
        /**
         * Snapshot
         * @description One commit of a table. operation: append, overwrite, delete, replace. written_by: job,
         *     notebook or user. refs: `tag` or `branch` by name, of those that mean it. restored_from: the
         *     earlier snapshot whose rows it has. added, removed: rows; one that was written again as it was
         *     is neither. updated: rows that took the place of others, which only an upsert of ours tells.
         *     added, removed: None where another writer's summary does not say it; removed too where a Delta
         *     table was overwritten and its log does not.
         */
        readonly Snapshot: {
            readonly added: number | null;
            /** Format: date-time */
            readonly at: string;
            readonly id: string;
            readonly operation: string;
            readonly parent: string | null;
            readonly ref: string;
            readonly refs: {
                readonly [key: string]: string;
            };
            readonly removed: number | null;
            /** @default null */
            readonly restored_from: string | null;
            readonly rows: components["schemas"]["Number"];
            /** @default 0 */
            readonly updated: number;
            readonly written_by: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly SnapshotPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Snapshot"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Sort
         * @description By what rows are sorted. Those without a value are the last; NaN is the largest number.
         */
        readonly Sort: {
            readonly column: string;
            /** @default false */
            readonly descending: boolean;
        };
        /**
         * SortFacts
         * @description By what rows are sorted.
         */
        readonly SortFacts: {
            readonly column: string;
            readonly descending: boolean;
        };
        /**
         * SqlAnswer
         * @description The answer to one SELECT. rows: JSON-safe values, row by row. types: short words by place.
         *     masked: columns whose values are not shown. more: there are more rows than were asked for.
         *     snapshots: the state of each table that was read, by its name.
         */
        readonly SqlAnswer: {
            readonly columns: readonly string[];
            /** @default [] */
            readonly masked: readonly string[];
            /** @default false */
            readonly more: boolean;
            readonly rows: readonly (readonly unknown[])[];
            readonly snapshots: {
                readonly [key: string]: string | null;
            };
            /** @default [] */
            readonly types: readonly string[];
        };
        /**
         * Step
         * @description A step as in the file. after: steps whose outputs it takes, computed from inputs and outputs.
         *     elements: of a `foreach`.
         *
         *     The rest is what its job asks for, including the file's defaults.
         */
        readonly Step: {
            readonly after: readonly string[];
            /** @default null */
            readonly backend: string | null;
            /** @default 1 */
            readonly cpus: number;
            /** @default [] */
            readonly elements: readonly string[];
            /** @default null */
            readonly gpu_type: string | null;
            /** @default 0 */
            readonly gpus: number;
            readonly inputs: readonly string[];
            /** @default null */
            readonly memory_gib: number | null;
            readonly name: string;
            readonly notebook: string;
            readonly outputs: readonly string[];
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            /** @default null */
            readonly queue: string | null;
            /** @default 0 */
            readonly retries: number;
            /** @default null */
            readonly time_limit_minutes: number | null;
        };
        /**
         * StepCheck
         * @description One thing that a step is judged by. passed: None while too little is known.
         */
        readonly StepCheck: {
            readonly limit: string;
            readonly measured: string;
            readonly name: string;
            readonly passed: boolean | null;
        };
        /**
         * StepRun
         * @description A step in a run. job: id. notebook: the executed one. reason: why it ran, was cached, failed
         *     or was skipped.
         *
         *     changed: which parts of its key made it run, see `Explanation`. detail: the same in words, with
         *     lines of code (in a list of runs its first line); both stay when it fails. runs: ids of the
         *     tracked runs that it made; looked up when one pipeline run is shown.
         */
        readonly StepRun: {
            /** @default [] */
            readonly changed: readonly string[];
            /** @default  */
            readonly detail: string;
            readonly ended_at: string | null;
            readonly job: string | null;
            readonly name: string;
            readonly notebook: string | null;
            readonly reason: string;
            /** @default [] */
            readonly runs: readonly string[];
            readonly started_at: string | null;
            readonly state: components["schemas"]["StepState"];
        };
        /**
         * StepState
         * @description The state of a step in a run. skipped: something it depends on failed. cached: nothing it
         *     depends on changed.
         * @enum {string}
         */
        readonly StepState: "waiting" | "running" | "succeeded" | "cached" | "failed" | "skipped" | "cancelled";
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly StrPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly string[];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Suggestion
         * @description What could be done for a dataset: why, in words, and the command.
         */
        readonly Suggestion: {
            readonly command: string;
            readonly verb: string;
            readonly why: string;
        };
        /**
         * Supervisor
         * @description The local supervisor. pid: None if none runs (the next submit starts it). trouble: why it
         *     does not work although it runs.
         */
        readonly Supervisor: {
            readonly cpus: number;
            readonly gpus: number;
            readonly pid: number | null;
            readonly running: number;
            readonly started_at: string | null;
            /** @default  */
            readonly trouble: string;
            readonly waiting: number;
        };
        /**
         * Suspect
         * @description An input, ranked by `suspicion`: its PSI (without bins its KS) times its share of the model's
         *     gain; without shares the distance alone.
         */
        readonly Suspect: {
            readonly feature: string;
            readonly importance: number | null;
            readonly suspicion: number;
        };
        readonly Tags: {
            readonly [key: string]: string;
        };
        /**
         * TargetCheck
         * @description One target. verdict: `unknown` when it could not be measured; `fix` then says what is
         *     missing.
         */
        readonly TargetCheck: {
            /** @default  */
            readonly fix: string;
            readonly limit: string;
            readonly measured: string;
            readonly target: string;
            /** @enum {string} */
            readonly verdict: "met" | "missed" | "unknown";
        };
        /**
         * Terminal
         * @description A terminal of the Jupyter server in the environment of a job. name: in the server. note: how
         *     it differs from the job's own.
         */
        readonly Terminal: {
            readonly job: string;
            readonly name: string;
            readonly note: string;
        };
        /**
         * TrainingWindow
         * @description The event times of the rows of the last training set. made_at: when it was made. dataset: the
         *     reference of the snapshot that holds it, or empty.
         */
        readonly TrainingWindow: {
            /** @default  */
            readonly dataset: string;
            /** Format: date-time */
            readonly first: string;
            /** Format: date-time */
            readonly last: string;
            /** Format: date-time */
            readonly made_at: string;
            readonly rows: number;
        };
        /**
         * Trashed
         * @description A deleted dataset. until: when its files may be deleted.
         */
        readonly Trashed: {
            /** Format: date-time */
            readonly at: string;
            readonly bytes: number | null;
            readonly id: number;
            readonly name: string;
            readonly rows: number | null;
            /** Format: date-time */
            readonly until: string;
            readonly user: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly TrashedPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Trashed"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Turn
         * @description A change of the errors that labels show: noticed by ADWIN at this time; mean error before and
         *     after.
         */
        readonly Turn: {
            readonly after: number;
            /** Format: date-time */
            readonly at: string;
            readonly before: number;
        };
        /**
         * Unapplied
         * @description A definition that `apply` left out, with the reason and the fix. kind: view or service.
         *     registered: the registry keeps what it had of it.
         */
        readonly Unapplied: {
            readonly fix: string;
            readonly kind: string;
            readonly name: string;
            readonly registered: boolean;
            readonly what: string;
            readonly why: string;
        };
        /**
         * Use
         * @description What was made from features. name: what people call it. aliases: of a version of a model.
         *     features: of the view. at: when the newest of it was made, ISO 8601.
         */
        readonly Use: {
            readonly aliases: readonly string[];
            readonly at: string;
            readonly features: readonly string[];
            readonly kind: string;
            readonly name: string;
            readonly ref: string;
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly UsePage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["Use"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * Verification
         * @description The result of reading all files of a snapshot. files: how many there are. unchecked: the
         *     first of those without a checksum. note: why they have none. set_aside: damaged files that were
         *     taken out of the dataset, with `rows_lost` rows; put_back: those that are in it again.
         *     still_out: those that are out of it. now: the snapshot that did so.
         */
        readonly Verification: {
            readonly checked: number;
            readonly damaged: readonly components["schemas"]["Damage"][];
            readonly dataset: string;
            readonly files: number;
            /** @default  */
            readonly note: string;
            /** @default null */
            readonly now: string | null;
            /** @default [] */
            readonly put_back: readonly string[];
            /** @default 0 */
            readonly rows_lost: number;
            /** @default [] */
            readonly set_aside: readonly string[];
            readonly snapshot: string | null;
            /** @default [] */
            readonly still_out: readonly string[];
            readonly unchecked: readonly string[];
        };
        /**
         * Verified
         * @description What is known of the files of a dataset without reading them. at, found: when they were last
         *     verified, and what was found then; None if they never were. still_out: damaged files that are
         *     set aside now.
         */
        readonly Verified: {
            readonly at: string | null;
            readonly dataset: string;
            readonly found: components["schemas"]["Verification"] | null;
            readonly still_out: readonly string[];
        };
        /**
         * Version
         * @description One model version. metrics, datasets, notebook, run_name: of its run. signature: whether it
         *     states its input columns and types.
         *
         *     unservable: why it cannot be deployed, as far as is known. fault: why its files cannot be read,
         *     usually empty. size_bytes: of its files when it was logged; None if that was not noted.
         */
        readonly Version: {
            readonly aliases: readonly string[];
            /** Format: date-time */
            readonly created_at: string;
            readonly datasets: readonly string[];
            /** @default  */
            readonly fault: string;
            readonly metrics: {
                readonly [key: string]: number | ("NaN" | "Infinity" | "-Infinity");
            };
            readonly model: string;
            readonly notebook: string | null;
            readonly ref: string;
            readonly run: string | null;
            /** @default  */
            readonly run_name: string;
            readonly signature: boolean;
            /** @default null */
            readonly size_bytes: number | null;
            /** @default  */
            readonly unservable: string;
            readonly version: number;
        };
        /**
         * VersionLatency
         * @description One version: all of its requests as one point, and the points, oldest first; a span without
         *     requests has none.
         */
        readonly VersionLatency: {
            readonly points: readonly components["schemas"]["LatencyPoint"][];
            readonly version: string;
            readonly whole: components["schemas"]["LatencyPoint"];
        };
        /**
         * VersionState
         * @description The state of a version of a deployment.
         *
         *     building: its environment. starting: its processes. testing: before traffic. ready: answers.
         *     failed: see reason. draining: takes no new request. stopped: no process.
         * @enum {string}
         */
        readonly VersionState: "building" | "starting" | "testing" | "ready" | "failed" | "draining" | "stopped";
        /**
         * VersionVerdict
         * @description Whether the treatment is better than the control, since the traffic was last changed.
         *
         *     state: `better`, `worse`, `not yet`, or `ratio mismatch` if the requests were not shared as they
         *     should have been. difference: of the means, treatment - control, with the ends of its confidence
         *     sequence (None while there are too few). needed: about how many more outcomes of both would
         *     decide, if the difference stays; None if that is not known. why: also says what is missing in
         *     the log since then, if anything is.
         */
        readonly VersionVerdict: {
            readonly alpha: number;
            readonly control: components["schemas"]["ArmOutcomes"];
            readonly deployment: string;
            readonly difference: number | null;
            readonly high: number | null;
            readonly low: number | null;
            /** @enum {string} */
            readonly measure: "errors" | "latency" | "quality" | "kpi" | "reward";
            readonly needed: number | null;
            readonly ratio_p: number | null;
            /** Format: date-time */
            readonly since: string;
            readonly state: string;
            readonly treatment: components["schemas"]["ArmOutcomes"];
            readonly why: string;
        };
        /**
         * View
         * @description One feature view in a list.
         *
         *     kind: batch, stream, on_demand or label. version: Feast's number of its columns, None for one
         *     that Feast does not count. ttl_seconds: None = never expires. online_at: newest event time that
         *     is online. source_at: newest event time of the source. problem: why its definition was left out,
         *     why the source cannot be read, or which column it lacks; else empty. fix: what to do about it.
         *     deprecated: what to take in its place, maybe empty; None: it is not deprecated.
         */
        readonly View: {
            readonly dataset: string | null;
            /** @default null */
            readonly deprecated: string | null;
            readonly description: string;
            readonly entities: readonly string[];
            readonly features: number;
            /** @default  */
            readonly fix: string;
            readonly freshness: components["schemas"]["Freshness"];
            /**
             * @default batch
             * @enum {string}
             */
            readonly kind: "batch" | "stream" | "on_demand" | "label";
            readonly name: string;
            readonly online: boolean;
            readonly online_at: string | null;
            readonly owner: string;
            /** @default  */
            readonly problem: string;
            readonly ref: string;
            /** @default null */
            readonly source_at: string | null;
            readonly tags: {
                readonly [key: string]: string;
            };
            readonly ttl_seconds: number | null;
            /** @default null */
            readonly version: number | null;
        };
        /**
         * ViewChange
         * @description What a definition says of one thing (`ttl`, `source`, `tag team`, `window clicks_7d`), before
         *     and after, in words; empty where it says nothing.
         */
        readonly ViewChange: {
            readonly after: string;
            readonly before: string;
            readonly what: string;
        };
        /**
         * ViewComparison
         * @description What differs between two versions of a view, or two views. added, removed: names of features.
         *     retyped: their types, before and after. changes: all else. code: the lines of the transformation
         *     that differ, as a unified diff.
         */
        readonly ViewComparison: {
            readonly added: readonly string[];
            readonly after: string;
            readonly before: string;
            readonly changes: readonly components["schemas"]["ViewChange"][];
            readonly code: string;
            readonly removed: readonly string[];
            readonly retyped: {
                readonly [key: string]: readonly string[];
            };
            readonly same: boolean;
        };
        /**
         * ViewDetail
         * @description A view's page. join_keys: also those of the views that it is computed from. asks: the columns
         *     of a request that it needs beside them. versions: names of those that the registry keeps, the
         *     newest first. uses: the views that it is computed from. services: those that have features of
         *     it. push: name of the source by which rows are pushed, or empty. windows: its aggregations.
         *     labels: how labels of several labelers are resolved; None for a view of features.
         */
        readonly ViewDetail: {
            /** @default [] */
            readonly asks: readonly string[];
            readonly code: {
                readonly [key: string]: string;
            };
            readonly created_column: string | null;
            readonly features: readonly components["schemas"]["Feature"][];
            readonly join_keys: readonly string[];
            /** @default null */
            readonly labels: components["schemas"]["LabelSpec"] | null;
            /** @default  */
            readonly push: string;
            readonly rows: components["schemas"]["Number"];
            /** @default [] */
            readonly services: readonly string[];
            readonly timestamp_column: string;
            /** @default [] */
            readonly uses: readonly string[];
            /** @default [] */
            readonly versions: readonly string[];
            readonly view: components["schemas"]["View"];
            /** @default [] */
            readonly windows: readonly components["schemas"]["WindowSpec"][];
        };
        /**
         * Page
         * @description A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
         *     reader has to know about the list, usually empty.
         *
         *     total: the length of the list; with `more`, only the items up to here, because a remote store
         *     does not count the rest, which may be empty.
         */
        readonly ViewPage: {
            /** @default null */
            readonly cursor: string | null;
            readonly items: readonly components["schemas"]["View"][];
            /** @default false */
            readonly more: boolean;
            /** @default  */
            readonly note: string;
            readonly shown: number;
            readonly total: number;
        };
        /**
         * ViewStatistics
         * @description The statistics of a view. profile: of its features, None if there are no values to tell it
         *     from. told_from: which values these are, in words, or why there are none. training: the window
         *     that drift is measured against; no_drift: why there is no drift. skew: the last comparison of
         *     online values with the source, made at `skew_at`. problem, fix: why the source cannot be read.
         */
        readonly ViewStatistics: {
            readonly features: readonly components["schemas"]["FeatureFigures"][];
            /** @default  */
            readonly fix: string;
            /** @default [] */
            readonly masked: readonly string[];
            readonly no_drift: string;
            /** @default  */
            readonly problem: string;
            readonly profile: components["schemas"]["Profile"] | null;
            readonly ref: string;
            readonly rows: components["schemas"]["Number"];
            readonly skew: components["schemas"]["SkewReport"] | null;
            readonly skew_at: string | null;
            /** @default  */
            readonly told_from: string;
            readonly training: components["schemas"]["TrainingWindow"] | null;
            readonly ttl_seconds: number | null;
            readonly view: string;
        };
        /**
         * Watch
         * @description Whether the newest rows came in time, or were as many as usual.
         *
         *     verdict: unknown while there are too few commits to learn from. expected_by: when new rows count
         *     as late. expected: the fewest and most rows of a usual commit. measured: rows of the last one.
         *     n: commits that were learned from. basis: learned (`est`), or from a rule (`target`).
         */
        readonly Watch: {
            /**
             * @default est
             * @enum {string}
             */
            readonly basis: "est" | "target";
            /** @default null */
            readonly expected: readonly [
                number,
                number
            ] | null;
            /** @default null */
            readonly expected_by: string | null;
            /** @default null */
            readonly last_at: string | null;
            /** @default null */
            readonly measured: number | null;
            /** @default 0 */
            readonly n: number;
            /** @enum {string} */
            readonly verdict: "usual" | "late" | "short" | "large" | "unknown";
            readonly why: string;
        };
        /**
         * WindowSpec
         * @description One aggregation of a view. seconds: length of its window, None for the whole past. slide:
         *     seconds from one window to the next.
         */
        readonly WindowSpec: {
            readonly column: string;
            readonly feature: string;
            readonly function: string;
            readonly seconds: number | null;
            readonly slide: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
