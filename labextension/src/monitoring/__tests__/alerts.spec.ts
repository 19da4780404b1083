import { InputDialog } from '@jupyterlab/apputils';

import { confirm } from '../../components/confirm';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { IActionCall } from '../../tokens';
import type { IAlert } from '../../api/types';
import { acknowledge, notebook, retrain, rollback, silence, unsilence } from '../alertverbs';

jest.mock('../../components/confirm', () => ({ confirm: jest.fn() }));

const REF = 'alert:flights/drift/a%2Fb';

afterEach(() => jest.restoreAllMocks());

/** A call of an alert's verb, with a client that notes what it is asked. */
function callOf(answers: Record<string, unknown>, args = {}): [IActionCall<IAlert>, jest.Mock[]] {
  const mocks = Object.values(answers).map(answer => jest.fn(async () => answer));
  const monitoring = Object.fromEntries(
    Object.keys(answers).map((name, place) => [name, mocks[place]])
  );
  const { workbench } = fakeWorkbench({ monitoring });
  const call = { workbench, ref: REF, name: 'flights/drift/a/b', item: undefined, args };
  return [call, mocks];
}

const typed = (value: string | null): void =>
  void jest
    .spyOn(InputDialog, 'getText')
    .mockResolvedValue({ button: { accept: value !== null }, value } as never);

const chosen = (value: string | null): void =>
  void jest
    .spyOn(InputDialog, 'getItem')
    .mockResolvedValue({ button: { accept: value !== null }, value } as never);

it('acknowledges with the reason that was typed, and not when it was cancelled', async () => {
  const [call, [asked]] = callOf({ acknowledge: { acknowledged: [REF] } });
  typed('the sensor was changed');
  expect(await acknowledge(call)).toEqual({ message: `You look after ${call.name}.` });
  expect(asked).toHaveBeenCalledWith(REF, 'the sensor was changed');
  typed(null);
  expect(await acknowledge(call)).toBeNull();
  expect(asked).toHaveBeenCalledTimes(1);
});

it('says how many alerts of a rule were acknowledged', async () => {
  const acknowledged = [`${REF}/temp`, `${REF}/wind`];
  const [call] = callOf({ acknowledge: { acknowledged } });
  typed('known');
  expect(await acknowledge(call)).toEqual({
    message: `You look after 2 alerts of ${call.name}.`
  });
});

it('silences for a chosen time with a reason, and the undo ends that silence', async () => {
  const [call, [asked]] = callOf({ silence: { number: 7 } });
  chosen('1 day');
  typed('known');
  const outcome = await silence(call);
  expect(asked).toHaveBeenCalledWith(REF, 86_400, 'known');
  expect(outcome).toMatchObject({
    undo: { command: 'mlinfra:alerts-unsilence', args: { ref: REF, number: 7 } }
  });
  typed('');
  expect(await silence(call)).toBeNull();
  chosen(null);
  expect(await silence(call)).toBeNull();
  expect(asked).toHaveBeenCalledTimes(1);
  const [undo, [ended]] = callOf({ unsilence: {} }, { number: 7 });
  await unsilence(undo);
  expect(ended).toHaveBeenCalledWith(7);
});

it('opens the notebook that was written', async () => {
  const [call] = callOf({ notebook: { alert: REF, path: 'alerts/a.ipynb' } });
  const execute = jest.spyOn(call.workbench.commands, 'execute').mockResolvedValue(undefined);
  await notebook(call);
  expect(execute).toHaveBeenCalledWith('mlinfra:workbench-open-file', { path: 'alerts/a.ipynb' });
});

it('retrains and rolls back only when the user is sure', async () => {
  const answers = { retrain: { pipeline: 'train', run: '1a' }, rollback: { name: 'flights' } };
  const [call, asked] = callOf(answers);
  const sure = jest.mocked(confirm).mockResolvedValue(false);
  expect(await retrain(call)).toBeNull();
  expect(await rollback(call)).toBeNull();
  asked.forEach(mock => expect(mock).not.toHaveBeenCalled());
  sure.mockResolvedValue(true);
  const open = jest.spyOn(call.workbench, 'open').mockResolvedValue(undefined);
  expect(await retrain(call)).toMatchObject({ message: 'Pipeline train runs as 1a.' });
  expect(open).toHaveBeenCalledWith('pipeline:train');
  await rollback(call);
  asked.forEach(mock => expect(mock).toHaveBeenCalledWith(REF, ''));
});
