import { Notification } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';

import { fakeWorkbench } from '../components/__tests__/workbench';
import type { IActionSpec } from '../tokens';
import { allKinds } from './kinds';
import { type IMenuItem, schemas, shortcuts } from './schemas';

const actions: readonly IActionSpec[] = allKinds.flatMap(spec => spec.actions ?? []);
const byId = new Map(actions.map(action => [action.id, action]));

/** Commands that the plugins add themselves, since they need a part of JupyterLab. */
const OTHERS = [
  'mlinfra:workbench-search',
  'mlinfra:workbench-open',
  'mlinfra:workbench-keep',
  'mlinfra:workbench-keys',
  'mlinfra:jobs-submit-active',
  'mlinfra:jobs-submit-selected',
  'mlinfra:deployments-deploy-notebook',
  'mlinfra:jobs-queue',
  'mlinfra:notebook-mark-parameters',
  'mlinfra:catalog-ingest',
  'mlinfra:catalog-register',
  'mlinfra:features-define',
  'mlinfra:pipelines-create',
  'mlinfra:pipelines-create-selected',
  'mlinfra:pipelines-run-selected',
  'mlinfra:pipelines-add-active',
  'mlinfra:schedules-create',
  ...['catalog', 'features', 'jobs', 'experiments', 'models'].map(name => `mlinfra:${name}-show`)
];

const itemsOf = (items: readonly IMenuItem[]): IMenuItem[] =>
  items.flatMap(item => [item, ...itemsOf(item.submenu?.items ?? [])]);

describe('each action', () => {
  it.each(actions.map(action => [action.id, action] as const))('%s is whole', (id, action) => {
    const { commands } = fakeWorkbench().workbench;
    expect(id).toMatch(/^mlinfra:[a-z]+-[a-z-]+$/);
    expect(commands.label(id).length).toBeGreaterThan(3);
    expect(commands.caption(id)).toMatch(/^[A-Z][^.]+/);
    // what it does is either its own or that of an open page, never both
    expect(Boolean(action.run)).toBe(!action.inPage);
    if (action.inPage) {
      expect(commands.isEnabled(id)).toBe(false);
      expect(commands.caption(id)).toContain(action.inPage);
    } else {
      expect(action.kinds?.length).toBeGreaterThan(0);
    }
  });

  it.each(actions.map(action => [action.id, action] as const))(
    '%s can be undone, asks first, or does no harm',
    (_, { undo, asks, harmless }) => {
      expect(Boolean(undo) || Boolean(asks) || Boolean(harmless)).toBe(true);
      if (undo) {
        expect(byId.get(undo)?.kinds).toBeDefined();
      }
    }
  );

  it('says in its schema that it takes a reference', async () => {
    const { commands } = fakeWorkbench().workbench;
    for (const { id, kinds, args = {} } of actions) {
      const { args: described } = await commands.describedBy(id);
      const properties = Object.keys((described?.properties ?? {}) as object);
      expect(properties).toEqual([...(kinds ? ['ref'] : []), ...Object.keys(args)]);
    }
  });

  it('is added once', () => {
    expect(byId.size).toBe(actions.length);
  });
});

describe('the schemas', () => {
  const exists = (command: string): boolean =>
    fakeWorkbench().workbench.commands.hasCommand(command) || OTHERS.includes(command);

  it('have shortcuts of commands that there are, with selectors that browsers take', () => {
    for (const { command, keys, selector } of shortcuts()) {
      expect([command, exists(command)]).toEqual([command, true]);
      expect(keys.map(CommandRegistry.normalizeKeystroke)).toEqual(keys);
      expect(() => document.querySelector(selector)).not.toThrow();
      expect(selector).not.toContain(','); // Lumino takes one selector
    }
  });

  it('have menus of commands that there are', () => {
    const menus = schemas().flatMap(schema => {
      const { main = [], context = [] } = schema['jupyter.lab.menus'] ?? {};
      return [...itemsOf(main.flatMap(({ items }) => [...items])), ...context];
    });
    for (const { command } of menus) {
      expect([command, command === undefined || exists(command)]).toEqual([command, true]);
    }
    const listed = new Set(menus.map(({ command }) => command));
    const missing = actions.filter(({ id, quiet }) => !quiet && !listed.has(id));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  it('give no key of a page to two commands', () => {
    const taken = shortcuts().map(({ keys, selector }) => `${selector} ${keys.join(' ')}`);
    expect(new Set(taken).size).toBe(taken.length);
  });
});

describe('a command without a reference', () => {
  const JOB = { ref: 'job:7f', id: '7f', name: 'train', state: 'succeeded', array: null };

  it('means the row that has the focus, and says why it cannot be done', () => {
    const { workbench } = fakeWorkbench();
    const { commands, seen } = workbench;
    const id = 'mlinfra:jobs-cancel';
    expect(commands.isEnabled(id)).toBe(false);
    expect(commands.caption(id)).toContain('Select one in a list, or open its page.');
    seen.note(JOB.ref, JOB);
    document.body.innerHTML =
      '<div data-mlinfra-frame="panel"><p data-mlinfra-ref="job:7f" tabindex="0"></p></div>';
    document.querySelector('p')?.focus();
    expect(commands.isEnabled(id)).toBe(false);
    expect(commands.caption(id)).toContain('It has ended.');
    seen.note(JOB.ref, { ...JOB, state: 'running' });
    expect(commands.isEnabled(id)).toBe(true);
    document.body.innerHTML = '';
    expect(commands.isEnabled(id)).toBe(false);
  });

  it.each(actions.filter(({ kinds }) => kinds).map(action => [action.id, action] as const))(
    '%s is not done with an object of another kind',
    async (id, { kinds }) => {
      const { workbench } = fakeWorkbench();
      const { commands, seen } = workbench;
      const ref = kinds?.includes('job') ? 'feature:a:b' : 'job:7f';
      seen.note(ref, { ref });
      expect(commands.isEnabled(id, { ref })).toBe(false);
      expect(commands.caption(id, { ref })).toContain('this kind of object');
      expect(() => commands.label(id, { ref })).not.toThrow();
      expect(await commands.execute(id, { ref })).toBe(false);
    }
  );

  it('does it once at a time', async () => {
    let finish = (): void => undefined;
    const job = { ref: 'job:7f', name: 'train' };
    const hold = jest.fn(() => new Promise<object>(resolve => (finish = () => resolve(job))));
    const { commands } = fakeWorkbench({ jobs: { hold } }).workbench;
    const first = commands.execute('mlinfra:jobs-hold', { ref: 'job:7f' });
    const again = commands.execute('mlinfra:jobs-hold', { ref: 'job:7f' });
    expect(commands.isEnabled('mlinfra:jobs-hold', { ref: 'job:7f' })).toBe(false);
    expect(await again).toBe(false);
    await new Promise(resolve => setTimeout(resolve, 50));
    finish();
    expect(await first).toBe(true);
    expect(hold).toHaveBeenCalledTimes(1);
  });

  it('counts an object once, whoever calls, and another one beside it', async () => {
    const asked: string[] = [];
    const finish: (() => void)[] = [];
    const runNow = jest.fn((name: string) => {
      asked.push(name);
      return new Promise<void>(resolve => finish.push(resolve));
    });
    const { commands } = fakeWorkbench({ schedules: { runNow } }).workbench;
    const id = 'mlinfra:schedules-run-now';
    document.body.innerHTML =
      '<div data-mlinfra-frame="panel"><p data-mlinfra-ref="schedule:a" tabindex="0"></p>' +
      '<p data-mlinfra-ref="schedule:b" tabindex="0"></p></div>';
    const [a, b] = document.querySelectorAll('p');
    const byKey = { _luminoEvent: { type: 'keybinding', keys: ['.'] } };
    a?.focus();
    const button = commands.execute(id, { ref: 'schedule:a' });
    expect(commands.isEnabled(id, byKey)).toBe(false);
    expect(await commands.execute(id, byKey)).toBe(false);
    expect(await commands.execute(id)).toBe(false);
    b?.focus();
    expect(commands.isEnabled(id, byKey)).toBe(true);
    const key = commands.execute(id, byKey);
    await new Promise(resolve => setTimeout(resolve, 50));
    finish.forEach(end => end());
    expect(await Promise.all([button, key])).toEqual([true, true]);
    expect(asked).toEqual(['a', 'b']);
    document.body.innerHTML = '';
  });
});

describe('the run of a job', () => {
  const id = 'mlinfra:jobs-open-run';
  const ref = 'job:7f';
  /** As a list has it: only the answer about a single job says its run. */
  const listed = { ref, id: '7f', name: 'train', attempt: 1, array: null, run: null };

  it('is asked for when only a list was seen', async () => {
    const show = jest.fn(async () => ({ ...listed, run: '9c1e' }));
    const { workbench, open } = fakeWorkbench({ jobs: { show } });
    const { commands, seen } = workbench;
    seen.note(ref, await show());
    seen.note(ref, listed); // the list was read again
    expect(commands.isEnabled(id, { ref })).toBe(true);
    expect(await commands.execute(id, { ref })).toBe(true);
    expect(open).toHaveBeenCalledWith('run:9c1e');
  });

  it('is said to be missing only by the job itself', async () => {
    const said = jest.spyOn(Notification, 'error').mockReturnValue('');
    const { workbench, open } = fakeWorkbench({ jobs: { show: async () => listed } });
    workbench.seen.note(ref, listed);
    expect(await workbench.commands.execute(id, { ref })).toBe(false);
    expect(said.mock.calls[0]?.[0]).toBe('train has recorded no run.');
    expect(open).not.toHaveBeenCalled();
    said.mockRestore();
  });

  it.each([
    [{ ...listed, attempt: 0 }, 'It has not started.'],
    [{ ...listed, array: { size: 2 } }, 'Open one of its elements.']
  ])('is not there to be opened for %j', (job, why) => {
    const { commands, seen } = fakeWorkbench().workbench;
    seen.note(ref, job);
    expect(commands.isEnabled(id, { ref })).toBe(false);
    expect(commands.caption(id, { ref })).toContain(why);
  });
});

describe('the undo of', () => {
  const state = (held_by: string | null): object => ({ ref: 'job:7f', name: 'train', held_by });
  const client = {
    jobs: {
      show: jest.fn(),
      hold: jest.fn(async () => state('anna')),
      release: jest.fn(async () => state(null))
    },
    schedules: {
      show: jest.fn(),
      pause: jest.fn(async () => ({ state: 'paused' })),
      resume: jest.fn(async () => ({ state: 'active' }))
    }
  };

  it.each([
    ['mlinfra:jobs-hold', 'job:7f', state(null), client.jobs.release],
    ['mlinfra:jobs-release', 'job:7f', state('anna'), client.jobs.hold],
    ['mlinfra:jobs-toggle-hold', 'job:7f', state(null), client.jobs.release],
    ['mlinfra:jobs-toggle-hold', 'job:7f', state('anna'), client.jobs.hold],
    ['mlinfra:schedules-toggle', 'schedule:s', { state: 'active' }, client.schedules.resume],
    ['mlinfra:schedules-toggle', 'schedule:s', { state: 'paused' }, client.schedules.pause]
  ])('%s of %s brings back %j, whatever was seen since', async (id, ref, before, back) => {
    jest.clearAllMocks();
    const notified = jest.spyOn(Notification, 'success').mockReturnValue('');
    const { commands, seen } = fakeWorkbench(client).workbench;
    client.jobs.show.mockResolvedValue(before);
    client.schedules.show.mockResolvedValue(before);
    seen.note(ref, before);
    expect(await commands.execute(id, { ref })).toBe(true);
    const [undo] = notified.mock.calls[0]?.[1]?.actions ?? [];
    expect(undo?.label).toBe('Undo');
    seen.note(ref, before); // someone else has changed it back meanwhile
    undo?.callback(new MouseEvent('click'));
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(back).toHaveBeenCalledTimes(1);
    notified.mockRestore();
  });
});
