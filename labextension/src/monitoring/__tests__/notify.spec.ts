import { Notification } from '@jupyterlab/apputils';

import type { IAlert } from '../../api/types';
import { pageOf } from '../../components/__tests__/samples';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { IWorkbench } from '../../tokens';
import { tellFiring } from '../notify';
import { alertOf } from './records';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const shown = (): jest.SpiedFunction<typeof Notification.warning> =>
  jest.spyOn(Notification, 'warning').mockReturnValue('');

/** Events of these alerts come at once. */
async function come(workbench: IWorkbench, refs: readonly string[]): Promise<void> {
  const done = Promise.all(refs.map(ref => tellFiring(workbench, ref)));
  await jest.advanceTimersByTimeAsync(1_000);
  await done;
}

const of = (feature: string, since = '2026-01-01T00:00:00Z', monitor = 'm'): IAlert =>
  alertOf({
    ref: `alert:${monitor}/drift/${encodeURIComponent(feature)}`,
    monitor,
    subject: feature,
    since,
    text: 'PSI 0.3 is over 0.2.'
  });

it('an alert that fires is told once for each time that it begins, with what can be done', async () => {
  const warning = shown();
  let firing = [of('a b')];
  const alerts = jest.fn(async () => pageOf(firing));
  const { workbench, open } = fakeWorkbench({ monitoring: { alerts } });
  const execute = jest.spyOn(workbench.commands, 'execute').mockResolvedValue(undefined);
  const [{ ref }] = firing as [IAlert];
  await come(workbench, [ref]);
  await come(workbench, [ref]); // an acknowledgement comes as an event too
  expect(warning).toHaveBeenCalledTimes(1);
  expect(warning.mock.calls[0]?.[0]).toBe('drift a b of m fires: PSI 0.3 is over 0.2.');
  const actions = warning.mock.calls[0]?.[1]?.actions ?? [];
  expect(actions.map(({ label }) => label)).toEqual(['Open', 'Silence…']);
  actions.forEach(({ callback }) => callback({} as MouseEvent));
  expect(open).toHaveBeenCalledWith(ref);
  expect(execute).toHaveBeenCalledWith('mlinfra:alerts-silence', { ref });
  firing = [];
  await come(workbench, [ref]);
  expect(warning).toHaveBeenCalledTimes(1);
  firing = [of('a b', '2026-01-01T02:00:00Z')];
  await come(workbench, [ref]);
  expect(warning).toHaveBeenCalledTimes(2);
});

it('features of a monitor that drift together are told in one, with one question', async () => {
  const warning = shown();
  const firing = ['wind', 'hour', 'rain', 'snow', 'fog'].map(name => of(name, undefined, 'big'));
  const alerts = jest.fn(async () => pageOf([...firing, of('unheard', undefined, 'big')]));
  const { workbench, open } = fakeWorkbench({ monitoring: { alerts } });
  const execute = jest.spyOn(workbench.commands, 'execute').mockResolvedValue(undefined);
  await come(
    workbench,
    firing.map(({ ref }) => ref)
  );
  expect(alerts).toHaveBeenCalledTimes(1);
  expect(warning).toHaveBeenCalledTimes(1);
  expect(warning.mock.calls[0]?.[0]).toBe('drift of big fires for 5: wind, hour, rain, …');
  const actions = warning.mock.calls[0]?.[1]?.actions ?? [];
  actions.forEach(({ callback }) => callback({} as MouseEvent));
  expect(open).toHaveBeenCalledWith('monitor:big');
  expect(execute).toHaveBeenCalledWith('mlinfra:alerts-silence', { ref: 'alert:big/drift' });
});
