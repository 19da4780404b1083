import { screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import SchedulePage from '../schedule';
import { localZone } from '../scheduleForm';

const page = (tz: string, problem = ''): void => {
  const schedule = {
    name: 's',
    what: 'pipeline:p',
    pipeline: 'p',
    parameters: { depth: 4, origins: ['EWR'] },
    cron: '0 6 * * *',
    tz,
    next: [],
    next_notes: [],
    problem,
    code: {}
  };
  const firing = {
    due: '2026-11-25T06:00:00+09:00',
    state: 'skipped',
    outcome: '',
    cause: 'clock',
    reason: 'It was still running.'
  };
  const history = async (): Promise<object> => ({
    items: [{ ...firing, started_at: null }],
    shown: 1,
    total: 1,
    cursor: null
  });
  const shown = {
    ...schedule,
    state: 'active',
    catchup: 'latest',
    overlap: 'skip',
    grace_seconds: 3600
  };
  show(
    fakeWorkbench({ schedules: { show: async () => shown, history } }),
    <SchedulePage reference="schedule:s" name="s" />
  );
};
const heads = async (): Promise<(string | null)[]> =>
  (await screen.findAllByRole('columnheader')).map(({ textContent }) => textContent);

describe('the due times of a schedule', () => {
  it('of another zone than that of the user stand with the name of their zone', async () => {
    page('Pacific/Apia');
    expect(await heads()).toContain('due, Apia');
    expect(screen.getByText('depth=4, origins=["EWR"]')).toBeTruthy();
    expect(screen.getByText('skipped').dataset.state).toBe('overlap');
  });

  it('cannot be told where the zone is not known, and the page says so', async () => {
    page('Europe/Nowhere', "There is no time zone 'Europe/Nowhere'.");
    expect(await screen.findByText("There is no time zone 'Europe/Nowhere'.")).toBeTruthy();
  });

  it('of the zone of the user need no name', async () => {
    page(localZone());
    expect(await heads()).toEqual(expect.arrayContaining(['due', 'started']));
  });
});
