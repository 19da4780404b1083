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
  series: (name: string, options: ISeriesOptions, signal?: AbortSignal) => Promise<IPage<IPoint>>;
  /** Begin to watch a deployment. */
  watch: (deployment: string) => Promise<IMonitor>;
  /** A job that makes the reference from the training data. */
  reference: (name: string) => Promise<IJob>;
  /** Judge the rules now. */
  evaluate: (name: string) => Promise<IMonitorStatus>;
  alerts: (
    options?: IPaging & { firing?: boolean },
    signal?: AbortSignal
  ) => Promise<IPage<IAlert>>;
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
  /** Look after an alert until it ends. alert: `monitor/rule`. */
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
  const at = (alert: string, verb: string): string => `monitoring/alerts/${pathOf(alert)}/${verb}`;
  return {
    acknowledge: (alert, why) => request(at(alert, 'acknowledge'), { body: { why } }),
    silence: (target, seconds, why) =>
      request('monitoring/silences', { body: { target, seconds, why } }),
    unsilence: number => request('monitoring/unsilence', { body: { number } }),
    notebook: alert => request(at(alert, 'notebook'), { body: {} }),
    retrain: (alert, why) => request(at(alert, 'retrain'), { body: { why } }),
    rollback: (alert, why) => request(at(alert, 'rollback'), { body: { why } }),
    list: (options = {}, signal) =>
      request('monitoring/monitors', { query: { ...options }, signal }),
    status: (name, options = {}, signal) =>
      request(`monitoring/monitors/${pathOf(name)}`, { query: { ...options }, signal }),
    figures: (name, part, signal) =>
      request(`monitoring/monitors/${pathOf(name)}/figures`, { query: { ...part }, signal }),
    heat: (name, options, signal) =>
      request(`monitoring/monitors/${pathOf(name)}/heat`, { query: { ...options }, signal }),
    distribution: (name, options, signal) =>
      request(`monitoring/monitors/${pathOf(name)}/distribution`, {
        query: { ...options },
        signal
      }),
    series: (name, options, signal) =>
      request(`monitoring/monitors/${pathOf(name)}/series`, { query: { ...options }, signal }),
    watch: deployment => request('monitoring/monitors', { body: { deployment } }),
    reference: name => request(`monitoring/monitors/${pathOf(name)}/reference`, { body: {} }),
    alert: (alert, signal) => request(`monitoring/alerts/${pathOf(alert)}`, { signal }),
    rules: (options = {}, signal) => request('monitoring/rules', { query: { ...options }, signal }),
    backtest: ({ text, path, ...options }, signal) =>
      text === undefined
        ? request('monitoring/backtest', { query: { ...options }, signal })
        : request('monitoring/backtest', { body: { ...options, path, text }, signal }),
    draftRules: (path, text, signal) =>
      request('monitoring/rules-draft', { body: { path, text }, signal }),
    editRules: (text, change) => request('monitoring/rules-edit', { body: { text, ...change } }),
    evaluate: name => request(`monitoring/monitors/${pathOf(name)}/evaluate`, { body: {} }),
    alerts: (options = {}, signal) =>
      request('monitoring/alerts', { query: { ...options }, signal })
  };
}
