import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { IAlert, IMonitor, IMonitorStatus, IPage } from './types';

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
}

export function monitoringClient(request: Request): IMonitoringClient {
  return {
    list: (options = {}, signal) =>
      request('monitoring/monitors', { query: { ...options }, signal }),
    status: (name, options = {}, signal) =>
      request(`monitoring/monitors/${pathOf(name)}`, { query: { ...options }, signal }),
    evaluate: name => request(`monitoring/monitors/${pathOf(name)}/evaluate`, { body: {} }),
    alerts: (options = {}, signal) =>
      request('monitoring/alerts', { query: { ...options }, signal })
  };
}
