import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IAlert,
  IAlertDetail,
  IAlertNotebook,
  IAlertRule,
  IAlertSilence,
  IBacktest,
  IDeployment,
  IFeatureCause,
  IFeatureDrift,
  IHeatMap,
  IJob,
  IMonitor,
  IMonitorFigures,
  IMonitorStatus,
  IPage,
  IPipelineRun,
  IPoint,
  IRuleDraft,
  IRulesEdited
} from './types';

/** A part of what a monitor has seen. */
export interface IPart {
  /** Seconds that it reaches back. */
  since?: number;
  version?: string;
  /** `column=value` */
  segment?: string;
}

/** One figure by the hour. */
export interface ISeriesOptions extends IPart {
  metric: string;
  feature?: string;
  limit?: number;
}

export interface ISpanOptions extends Omit<IPart, 'since'> {
  feature: string;
  start: string;
  end?: string;
}

/** What the values of a rule become; null takes a key away. */
export interface IRuleChange {
  /** Of the rule, from 0; without it there is one more. */
  place?: number;
  values?: Readonly<Record<string, unknown>>;
  remove?: boolean;
}

/** Monitors and alerts. */
export interface IMonitoringClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IMonitor>>;
  /** since: seconds that the window reaches back; the monitor's own window when left out. */
  status: (
    name: string,
    options?: { since?: number },
    signal?: AbortSignal
  ) => Promise<IMonitorStatus>;
  figures: (name: string, part: IPart, signal?: AbortSignal) => Promise<IMonitorFigures>;
  /** One metric of every feature by the hour; words: of their names. */
  heat: (
    name: string,
    options: IPart & { words?: string; limit?: number },
    signal?: AbortSignal
  ) => Promise<IHeatMap>;
  distribution: (
    name: string,
    options: ISpanOptions,
    signal?: AbortSignal
  ) => Promise<IFeatureDrift>;
  /** Where a feature comes from: dataset, step and cell, and what changed there. */
  cause: (
    name: string,
    options: { feature: string; version?: string },
    signal?: AbortSignal
  ) => Promise<IFeatureCause>;
  series: (name: string, options: ISeriesOptions, signal?: AbortSignal) => Promise<IPage<IPoint>>;
  /** Begin to watch a deployment. */
  watch: (deployment: string) => Promise<IMonitor>;
  /** A job that makes the reference from the training data. */
  reference: (name: string) => Promise<IJob>;
  /** Judge the rules now. */
  evaluate: (name: string) => Promise<IMonitorStatus>;
  alerts: (
    /** folded: those of a rule that are ok, silenced or without data as one. */
    options?: IPaging & { firing?: boolean; folded?: boolean },
    signal?: AbortSignal
  ) => Promise<IPage<IAlert>>;
  /** alert: its reference, here and below; without its labels all alerts of a rule. */
  alert: (alert: string, signal?: AbortSignal) => Promise<IAlertDetail>;
  /** The rules of a monitor; files with a fault come first. */
  rules: (
    options?: IPaging & { monitor?: string },
    signal?: AbortSignal
  ) => Promise<IPage<IAlertRule>>;
  /** When rules would have fired: those in force, or those of a text that is not saved. */
  backtest: (
    options: { monitor?: string; days: number; path?: string; text?: string },
    signal?: AbortSignal
  ) => Promise<IBacktest>;
  /** What the text of a rule file says before it is saved. */
  draftRules: (path: string, text: string, signal?: AbortSignal) => Promise<IRuleDraft>;
  editRules: (text: string, change: IRuleChange) => Promise<IRulesEdited>;
  /** Look after an alert until it ends. */
  acknowledge: (alert: string, why: string) => Promise<IAlertDetail>;
  /** Tell nobody of an alert for some seconds. */
  silence: (alert: string, seconds: number, why: string) => Promise<IAlertSilence>;
  unsilence: (number: number) => Promise<IAlertSilence>;
  /** Write a notebook on the bad window. */
  notebook: (alert: string) => Promise<IAlertNotebook>;
  /** Start the pipeline that made the model. */
  retrain: (alert: string, why: string) => Promise<IPipelineRun>;
  rollback: (alert: string, why: string) => Promise<IDeployment>;
}

export function monitoringClient(request: Request): IMonitoringClient {
  /** A question with options. */
  const read =
    <T>(path: string) =>
    (options?: object, signal?: AbortSignal): Promise<T> =>
      request<T>(path, { query: { ...options }, signal });
  /** One about a monitor. */
  const of =
    <T>(part: string) =>
    (name: string, options?: object, signal?: AbortSignal): Promise<T> =>
      read<T>(`monitoring/monitors/${pathOf(name)}${part}`)(options, signal);
  const post = <T>(path: string, body: object, signal?: AbortSignal): Promise<T> =>
    request<T>(`monitoring/${path}`, { body, signal });
  const at = (alert: string, verb: string): string => `alerts/${pathOf(alert)}/${verb}`;
  return {
    alert: (alert, signal) => request(`monitoring/alerts/${pathOf(alert)}`, { signal }),
    acknowledge: (alert, why) => post(at(alert, 'acknowledge'), { why }),
    silence: (target, seconds, why) => post('silences', { target, seconds, why }),
    unsilence: number => post('unsilence', { number }),
    notebook: alert => post(at(alert, 'notebook'), {}),
    retrain: (alert, why) => post(at(alert, 'retrain'), { why }),
    rollback: (alert, why) => post(at(alert, 'rollback'), { why }),
    list: read('monitoring/monitors'),
    alerts: read('monitoring/alerts'),
    rules: read('monitoring/rules'),
    status: of(''),
    figures: of('/figures'),
    heat: of('/heat'),
    distribution: of('/distribution'),
    cause: of('/cause'),
    series: of('/series'),
    watch: deployment => post('monitors', { deployment }),
    reference: name => post(`monitors/${pathOf(name)}/reference`, {}),
    evaluate: name => post(`monitors/${pathOf(name)}/evaluate`, {}),
    backtest: (options, signal) =>
      options.text === undefined
        ? read<IBacktest>('monitoring/backtest')(options, signal)
        : post('backtest', options, signal),
    draftRules: (path, text, signal) => post('rules-draft', { path, text }, signal),
    editRules: (text, change) => post('rules-edit', { text, ...change })
  };
}
