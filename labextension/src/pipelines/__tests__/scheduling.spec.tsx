import { fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IDueTimes } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import SchedulingPage from '../scheduling';

it('a cron text that has no times says why beside it, and cannot be scheduled', async () => {
  const preview = async (cron: string): Promise<IDueTimes> =>
    cron === '0 99 * * *'
      ? { valid: false, reason: "'0 99 * * *' is not a cron text. Bad hour.", items: [] }
      : { valid: true, reason: '', items: [{ at: '2026-11-25T06:00:00+01:00', note: '' }] };
  const client = {
    pipelines: { list: async () => ({ items: [], shown: 0, total: 0, cursor: null }) },
    schedules: { preview, supervisor: async () => ({ pid: 1 }) }
  };
  show(fakeWorkbench(client), <SchedulingPage reference="scheduling:x" name="pipeline:churn" />);
  const submit = (): HTMLButtonElement => screen.getByRole('button', { name: 'Schedule' });
  await waitFor(() => expect(submit().disabled).toBe(false));
  const cron = screen.getByLabelText<HTMLInputElement>('cron');
  fireEvent.change(cron, { target: { value: '0 99 * * *' } });
  expect(await screen.findByText(/Bad hour/, {}, { timeout: 3_000 })).toBeTruthy();
  expect(cron.getAttribute('aria-invalid')).toBe('true');
  expect(submit().disabled).toBe(true);
  expect(screen.queryByRole('alert')).toBeNull();
  fireEvent.change(cron, { target: { value: '0 7 * * *' } });
  await waitFor(() => expect(submit().disabled).toBe(false), { timeout: 3_000 });
});
