import React from 'react';

import type { IMonitorStatus } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Tiles } from '../tiles';

const figure = (value: number): object => ({ value, basis: 'exact', n: null });
const status = {
  monitor: {
    state: 'ok',
    requests: figure(1412),
    rows: figure(28146),
    last_request_at: '2026-01-01T00:00:00Z',
    worst_psi: null,
    worst: ''
  },
  alerts: [],
  drift: [],
  features: 25,
  p50_ms: null,
  p95_ms: null,
  error_fraction: figure(0),
  refused_fraction: figure(0.0014)
} as unknown as IMonitorStatus;

describe('the figures of a monitor', () => {
  it('tell of requests that were refused, beside those that failed', () => {
    show(fakeWorkbench({}), <Tiles status={status} />);
    expect(document.body.textContent).toContain('errors 0 % · refused 0.14 %');
  });
});
