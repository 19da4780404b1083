import { Notification } from '@jupyterlab/apputils';

import type { IFiring, ISchedule } from '../../api/types';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { scheduleVerbs } from '../schedules';

const firing = (state: string, day: number): IFiring =>
  ({
    state,
    due: `2026-11-2${day}T06:00:00+01:00`,
    due_at: `2026-11-2${day}T05:00:00Z`
  }) as IFiring;

async function pressed(items: readonly IFiring[]): Promise<jest.Mock> {
  const runNow = jest.fn(async () => undefined);
  const onChange = jest.fn(async () => undefined);
  jest.spyOn(Notification, 'success').mockReturnValue('');
  const { workbench } = fakeWorkbench({ schedules: { history: async () => ({ items }), runNow } });
  await new Promise<void>(resolve => {
    const run = async (doing: () => Promise<unknown>): Promise<boolean> => {
      await doing();
      resolve();
      return true;
    };
    scheduleVerbs(workbench, { busy: false, run }, onChange).runMissed({ name: 's' } as ISchedule);
  });
  expect(onChange).toHaveBeenCalledTimes(1);
  return runNow;
}

describe('Run Now beside what was missed', () => {
  it('runs for the newest missed time that nobody has run', async () => {
    const runNow = await pressed([
      firing('started', 5),
      firing('missed', 5),
      firing('missed', 4),
      firing('missed', 3)
    ]);
    expect(runNow.mock.calls).toEqual([['s', '2026-11-24T06:00:00+01:00']]);
  });

  it('runs nothing when none is left', async () => {
    expect(await pressed([firing('started', 5), firing('missed', 5)])).not.toHaveBeenCalled();
  });
});
