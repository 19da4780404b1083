import { Notification } from '@jupyterlab/apputils';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { tellFiring } from '../notify';

afterEach(() => jest.restoreAllMocks());

it('an alert that fires is told once for each time that it begins, with what can be done', async () => {
  const warning = jest.spyOn(Notification, 'warning').mockReturnValue('');
  let alert = {
    ref: 'alert:m/a%20b',
    name: 'drift',
    subject: 'temp',
    monitor: 'm',
    state: 'firing',
    since: '2026-01-01T00:00:00Z',
    text: 'PSI 0.3 is over 0.2.'
  };
  const asked = jest.fn(async () => ({ alert }));
  const { workbench, open } = fakeWorkbench({ monitoring: { alert: asked } });
  const execute = jest.spyOn(workbench.commands, 'execute').mockResolvedValue(undefined);
  await tellFiring(workbench, alert.ref);
  await tellFiring(workbench, alert.ref); // an acknowledgement comes as an event too
  expect(asked).toHaveBeenCalledWith('m/a b');
  expect(warning).toHaveBeenCalledTimes(1);
  expect(warning.mock.calls[0]?.[0]).toBe('drift temp of m fires: PSI 0.3 is over 0.2.');
  const actions = warning.mock.calls[0]?.[1]?.actions ?? [];
  expect(actions.map(({ label }) => label)).toEqual(['Open', 'Silence…']);
  actions.forEach(({ callback }) => callback({} as MouseEvent));
  expect(open).toHaveBeenCalledWith(alert.ref);
  expect(execute).toHaveBeenCalledWith('mlinfra:alerts-silence', { ref: alert.ref });
  alert = { ...alert, state: 'ok', since: '2026-01-01T01:00:00Z' };
  await tellFiring(workbench, alert.ref);
  expect(warning).toHaveBeenCalledTimes(1);
  alert = { ...alert, state: 'firing', since: '2026-01-01T02:00:00Z' };
  await tellFiring(workbench, alert.ref);
  expect(warning).toHaveBeenCalledTimes(2);
});
