import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { Workbench } from '../workbench';

it('a page that comes back after a reload is not opened anew: Recent keeps its order', async () => {
  const { workbench } = fakeWorkbench();
  const restore = jest.fn(async () => undefined);
  const app = { commands: new CommandRegistry(), shell: { add: jest.fn(), activateById: jest.fn() } };
  const made = new Workbench({
    app: app as unknown as JupyterFrontEnd,
    mlinfra: workbench,
    trans: nullTranslator.load('x'),
    code: workbench.code,
    memory: workbench.memory,
    palette: null,
    restorer: { restore } as unknown as ILayoutRestorer
  });
  const body = async (): Promise<{ default: () => null }> => ({ default: () => null });
  const words = { label: 'Open', caption: 'Open', title: (name: string) => name };
  made.addPage({ kind: 'run', icon: 'experiments', command: 'mlinfra:runs-open', ...words, body });
  const [, options] = restore.mock.calls[0] as unknown as [unknown, { args: (page: object) => { ref: string } }];
  const kept = options.args({ reference: 'run:1' });
  expect(kept.ref).toBe('run:1');
  await app.commands.execute('mlinfra:runs-open', kept);
  expect(app.shell.add).toHaveBeenCalledTimes(1);
  expect(made.shelf.recent).toEqual([]);
  await app.commands.execute('mlinfra:runs-open', { ref: 'run:2' });
  expect(made.shelf.recent.map(({ ref }) => ref)).toEqual(['run:2']);
});
