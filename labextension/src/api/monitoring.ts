import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type {
  IAlert,
  IAlertDetail,
  IAlertNotebook,
  IAlertSilence,
  IDeployment,
  IMonitor,
  IMonitorStatus,
  IPage,
  IPipelineRun
} from './types';

/** Monitors and alerts. */
export interface IMonitoringClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<IMonitor>>;
  /** since: seconds that the window reaches back; the monitor's own window when left out. */
  status: (
    name: string,
    options?: { since?: number },
    signal?: AbortSignal
  ) => Promise<IMonitorStatus>;
  /** Judge the rules now. */
  evaluate: (name: string) => Promise<IMonitorStatus>;
  alerts: (
    options?: IPaging & { firing?: boolean },
    signal?: AbortSignal
  ) => Promise<IPage<IAlert>>;
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
    evaluate: name => request(`monitoring/monitors/${pathOf(name)}/evaluate`, { body: {} }),
    alerts: (options = {}, signal) =>
      request('monitoring/alerts', { query: { ...options }, signal })
  };
}
