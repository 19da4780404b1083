import { Notification } from '@jupyterlab/apputils';

import { fakeWorkbench } from '../../components/__tests__/workbench';

jest.mock('../perform', () => {
  throw new Error('Loading chunk 7 failed.');
});

it('a verb whose code cannot be fetched says so, and can be done again', async () => {
  const error = jest.spyOn(Notification, 'error').mockReturnValue('');
  const { commands } = fakeWorkbench().workbench;
  const args = { ref: 'job:a1b2' };
  await expect(commands.execute('mlinfra:jobs-cancel', args)).resolves.toBe(false);
  expect(error.mock.calls[0]?.[0]).toContain('the server does not answer');
  expect(commands.isEnabled('mlinfra:jobs-cancel', args)).toBe(true);
});
