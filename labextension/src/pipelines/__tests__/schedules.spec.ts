import { Notification } from '@jupyterlab/apputils';

import type { IFiring } from '../../api/types';
import { fakeWorkbench } from '../../components/__tests__/workbench';

const firing = (state: string, day: number): IFiring =>
  ({
    state,
    due: `2026-11-2${day}T06:00:00+01:00`,
    due_at: `2026-11-2${day}T05:00:00Z`
  }) as IFiring;

async function pressed(items: readonly IFiring[]): Promise<jest.Mock> {
  const runNow = jest.fn(async () => undefined);
  jest.spyOn(Notification, 'success').mockReturnValue('');
  const { workbench } = fakeWorkbench({ schedules: { history: async () => ({ items }), runNow } });
  const listener = jest.fn();
  workbench.events.listen(['schedule'], listener);
  await workbench.commands.execute('mlinfra:schedules-run-missed', { ref: 'schedule:s' });
  expect(listener).toHaveBeenCalled();
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
