import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IBacktest, IRuleBacktest } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Backtest, backtestCall, DAYS } from '../backtest';

const rule = (name: string, measured: number, note = ''): IRuleBacktest => ({
  rule: name,
  monitor: 'flights',
  severity: 'warning',
  fired: 0,
  firing_seconds: 0,
  longest_seconds: 0,
  windows: 720,
  measured,
  episodes: [],
  note,
  source: ''
});

const FOUND: IBacktest = {
  file: '',
  since: '2026-10-30T10:07:00',
  until: '2026-11-29T10:07:00',
  step_seconds: 3600,
  rules: [rule('slow', 720), rule('drift', 1, '719 of 720 windows could not be judged.')],
  problems: []
} as unknown as IBacktest;

it('a rule that could be judged at few times is no quiet one, and both days are said', async () => {
  show(fakeWorkbench(), <Backtest days={DAYS} onDays={jest.fn()} ask={async () => FOUND} of="" />);
  fireEvent.click(screen.getByRole('button', { name: 'Back-Test' }));
  const [slow, drift] = await screen.findAllByRole('listitem');
  expect(within(slow!).getByRole('img', { name: 'ok' })).toBeTruthy();
  expect(within(drift!).getByRole('img', { name: 'no data' })).toBeTruthy();
  expect(drift?.textContent).toContain('719 of 720 windows could not be judged.');
  expect(screen.getByText(/10-30 10:07 to (2026-)?11-29 10:07/)).toBeTruthy();
});

it('a rule that fires only at the last evaluation has no time of firing', async () => {
  const found = { ...FOUND, rules: [{ ...rule('drift', 720), fired: 7 }] };
  show(fakeWorkbench(), <Backtest days={DAYS} onDays={jest.fn()} ask={async () => found} of="" />);
  fireEvent.click(screen.getByRole('button', { name: 'Back-Test' }));
  const drift = await screen.findByRole('listitem');
  expect(drift.textContent).toMatch(/would have fired 7 times in 30 d$/);
});

it('the code has the days that were typed; without days it is no call yet', () => {
  expect(backtestCall('a.mlrules.yaml', '7')).toEqual({
    call: { call: 'monitors-backtest', values: { file: 'a.mlrules.yaml', days: 7 } },
    faulty: false
  });
  expect(backtestCall('', '0').faulty).toBe(true);
});
