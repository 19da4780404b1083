import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';

import { hasCode } from '../code/snippets';
import { fakeWorkbench } from '../components/__tests__/workbench';
import { type IKindSpec, kinds } from '../kinds';
import { formatRef, nameOf, pageOf, parseRef } from '../refs';
import { Workbench } from '../workbench/workbench';

/** What another extension brings: prompts, whose versions are shown on their page. */
const icon = new LabIcon({ name: 'acme:prompt', svgstr: '<svg></svg>' });
const body = async (): Promise<{ default: () => null }> => ({ default: () => null });
const execute = jest.fn(async () => undefined);
const prompt: IKindSpec = {
  kind: 'prompt',
  icon,
  label: 'prompt',
  plural: 'Prompts',
  panel: 'prompts',
  code: true,
  page: {
    command: 'acme:prompts-open',
    label: 'Open Prompt',
    caption: 'The text of a prompt',
    title: name => `prompt ${name}`,
    body
  },
  actions: [
    {
      id: 'acme:prompts-try',
      kinds: ['prompt'],
      label: 'Try Prompt',
      caption: 'Ask a model',
      blocked: ({ empty }: { empty: boolean }) => (empty ? 'It has no text.' : null),
      harmless: true,
      run: async () => execute
    }
  ]
};
const wording: IKindSpec = {
  kind: 'wording',
  icon,
  label: 'wording',
  plural: 'Wordings',
  join: { sign: '/' },
  owner: 'prompt',
  panel: 'prompts'
};

function outside(): {
  workbench: Workbench;
  commands: CommandRegistry;
  contextMenu: { addItem: jest.Mock };
  shell: { add: jest.Mock; activateById: jest.Mock };
} {
  const fake = fakeWorkbench().workbench;
  const shell = { add: jest.fn(), activateById: jest.fn() };
  const contextMenu = { addItem: jest.fn(() => ({ dispose: () => undefined })) };
  const app = { commands: new CommandRegistry(), contextMenu, shell };
  const workbench = new Workbench({
    app: app as unknown as JupyterFrontEnd,
    area: 'main',
    mlinfra: fake,
    trans: nullTranslator.load('x'),
    code: fake.code,
    memory: fake.memory,
    palette: null,
    restorer: {
      add: jest.fn(),
      restore: jest.fn(async () => undefined)
    } as unknown as ILayoutRestorer
  });
  return { workbench, commands: app.commands, contextMenu, shell };
}

it('another extension adds a kind, with its icon, page, code, owner and actions', async () => {
  const { workbench, commands, contextMenu, shell } = outside();
  const added = [prompt, wording].map(workbench.addKind);
  expect(kinds.icon('prompt')).toBe(icon);
  expect(kinds.of('prompts')).toEqual(['prompt', 'wording']);
  expect([hasCode('prompt:greeting'), hasCode('wording:greeting/1')]).toEqual([true, false]);
  const reference = formatRef('wording', ['greeting', 'a/b']);
  expect(parseRef(reference)?.parts).toEqual(['greeting', 'a/b']);
  expect(pageOf(reference)).toBe('prompt:greeting');
  await workbench.open(reference);
  expect(shell.add.mock.calls[0][0].title).toMatchObject({ label: 'prompt greeting', icon });
  const ref = 'prompt:greeting';
  await commands.execute('acme:prompts-try', { ref });
  expect(execute).toHaveBeenCalledWith(expect.objectContaining({ ref, name: 'greeting' }));
  expect(contextMenu.addItem).toHaveBeenCalledWith(
    expect.objectContaining({
      command: 'acme:prompts-try',
      selector: '[data-mlinfra-ref^="prompt:"]'
    })
  );
  workbench.seen.note(ref, { empty: true });
  expect(commands.isEnabled('acme:prompts-try', { ref })).toBe(false);
  expect(commands.caption('acme:prompts-try', { ref })).toBe('Ask a model. It has no text.');

  added.forEach(kind => kind.dispose());
  expect(kinds.get('prompt')).toBeUndefined();
  expect(commands.listCommands()).toEqual([]);
  await workbench.open('prompt:farewell');
  expect(shell.add).toHaveBeenCalledTimes(1);
  expect(nameOf('wording:greeting/2')).toBe('greeting/2');
});

it('another extension adds a panel, and the command that shows it', async () => {
  const { workbench, commands, shell } = outside();
  workbench.addPanel({
    name: 'prompts',
    title: 'Prompts',
    icon,
    caption: 'Prompts of the project',
    rank: 600,
    placeholder: 'prompt',
    body
  });
  expect(shell.add).toHaveBeenCalledWith(expect.anything(), 'left', {
    rank: 600,
    type: 'Prompts'
  });
  await commands.execute('mlinfra:prompts-show');
  expect(shell.activateById).toHaveBeenCalledWith('jp-mlinfra-prompts');
});

it('a kind is added once', () => {
  const { workbench } = outside();
  const added = workbench.addKind(wording);
  expect(() => workbench.addKind(wording)).toThrow('“wording” is there already');
  added.dispose();
  workbench.addKind(wording).dispose();
});
