import type { IPaging } from './paging';
import { pathOf, type Request } from './request';
import type { IDueTimes, IFiring, IPage, ISchedule, IScheduleFacts, ISupervisor } from './types';

/** What starts a pipeline or a job on a schedule. */
export interface ISchedulesClient {
  list: (options?: IPaging, signal?: AbortSignal) => Promise<IPage<ISchedule>>;
  show: (name: string, signal?: AbortSignal) => Promise<ISchedule>;
  /** What became of its due times, newest first. */
  history: (name: string, options?: IPaging, signal?: AbortSignal) => Promise<IPage<IFiring>>;
  create: (name: string, facts: IScheduleFacts) => Promise<ISchedule>;
  update: (name: string, facts: IScheduleFacts) => Promise<ISchedule>;
  pause: (name: string) => Promise<ISchedule>;
  resume: (name: string) => Promise<ISchedule>;
  /** Start it at once; `due`: for that due time. */
  runNow: (name: string, due?: string) => Promise<IFiring>;
  remove: (name: string) => Promise<unknown>;
  /** The next due times of a cron text, or why it has none. */
  preview: (cron: string, tz: string, count: number, signal?: AbortSignal) => Promise<IDueTimes>;
  /** The process that looks at the clock. */
  supervisor: (signal?: AbortSignal) => Promise<ISupervisor>;
}

export function schedulesClient(request: Request): ISchedulesClient {
  const at = (name: string): string => `pipelines/schedules/${pathOf(name)}`;
  return {
    list: (options = {}, signal) =>
      request('pipelines/schedules', { query: { ...options }, signal }),
    show: (name, signal) => request(at(name), { signal }),
    history: (name, options = {}, signal) =>
      request(`${at(name)}/history`, { query: { ...options }, signal }),
    create: (name, facts) => request('pipelines/schedules', { body: { name, ...facts } }),
    update: (name, facts) => request(`${at(name)}/update`, { body: facts }),
    pause: name => request(`${at(name)}/pause`, { body: {} }),
    resume: name => request(`${at(name)}/resume`, { body: {} }),
    runNow: (name, due) => request(`${at(name)}/run`, { body: due ? { due } : {} }),
    remove: name => request(`${at(name)}/delete`, { body: {} }),
    preview: (cron, tz, count, signal) =>
      request('pipelines/due-times', { query: { cron, tz, count }, signal }),
    supervisor: signal => request('jobs/supervisor', { signal })
  };
}
