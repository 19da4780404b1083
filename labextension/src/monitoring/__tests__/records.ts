import type { IAlert, IMonitor } from '../../api/types';
import { exactly } from '../../components/__tests__/samples';

export const AT = '2026-01-01T11:00:00Z';

export const monitorOf = (more: Partial<IMonitor> = {}): IMonitor => ({
  ref: 'monitor:flights',
  name: 'flights',
  deployment: 'flights',
  state: 'ok',
  requests: exactly(10),
  rows: exactly(20),
  worst: '',
  worst_psi: null,
  evaluated_at: AT,
  last_request_at: AT,
  lately: [],
  note: '',
  ...more
});

export const alertOf = (more: Partial<IAlert> = {}): IAlert => ({
  ref: 'alert:flights/drift/temp',
  name: 'drift',
  monitor: 'flights',
  state: 'firing',
  severity: 'page',
  value: exactly(0.6),
  threshold: 0.2,
  subject: 'temp',
  since: AT,
  evaluated_at: AT,
  text: 'The error rate cannot be told.',
  labels: { feature: 'temp' },
  metric: 'psi',
  op: '>=',
  version: '',
  group: '',
  summary: '',
  runbook: '',
  source: '',
  window_start: null,
  window_end: null,
  resolved_at: null,
  silence: null,
  held_back_by: '',
  acknowledged: null,
  hold_seconds: 0,
  cause: '',
  owner: '',
  count: 1,
  ...more
});
