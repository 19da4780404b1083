import { Notification } from '@jupyterlab/apputils';

import { fakeWorkbench } from '../../components/__tests__/workbench';

const error = jest.spyOn(Notification, 'error').mockReturnValue('');
beforeEach(() => error.mockClear());

const VERSION = { ref: 'version:churn/3', model: 'churn', version: 3 };
const promote = jest.fn(async () => undefined);
const CLIENT = {
  experiments: {
    model: async () => ({ model: { aliases: { champion: 3 } }, versions: [VERSION] }),
    promote
  },
  deployments: { show: async () => ({ deployment: { name: 'churn', versions: [] } }) },
  pipelines: { runs: async () => ({ items: [] }) }
};

it.each([
  ['models-promote', 'version:churn/9', 'Model churn has no version 9.'],
  ['deployments-create', 'version:churn@gone', 'Model churn has no version gone.'],
  ['deployments-promote', 'deployment:churn', 'churn has no canary to promote.'],
  ['pipelines-cancel-run', 'pipeline:churn', 'churn has no run.'],
  ['pipelines-repair', 'pipeline:churn', 'churn has no run.']
])('%s of %s says what is missing', async (verb, ref, words) => {
  await fakeWorkbench(CLIENT).workbench.commands.execute(`mlinfra:${verb}`, { ref });
  expect(error.mock.calls[0]?.[0]).toContain(words);
});

it('an alias means the version that has it', async () => {
  jest.spyOn(Notification, 'success').mockReturnValue('');
  const args = { ref: 'version:churn@champion', alias: 'candidate' };
  await fakeWorkbench(CLIENT).workbench.commands.execute('mlinfra:models-promote', args);
  expect(promote).toHaveBeenCalledWith('churn', 3, 'candidate');
});
