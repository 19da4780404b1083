import { nullTranslator } from '@jupyterlab/translation';

import type { IStep } from '../../api/types';
import { changeText, connected, difference, merged, relative, reread, withStep } from '../changes';
import { before, feeds } from '../things';

const NO_NEEDS = {
  gpus: 0,
  gpu_type: null,
  cpus: 1,
  memory_gib: null,
  time_limit_minutes: null,
  retries: 0,
  backend: null,
  queue: null
};

const step = (name: string, inputs: readonly string[], outputs: readonly string[]): IStep => ({
  name,
  inputs,
  outputs,
  notebook: 'a.ipynb',
  parameters: {},
  after: [],
  elements: [],
  ...NO_NEEDS
});

describe('a change of the text', () => {
  it.each([
    ['abc', 'abXc'],
    ['abc', 'abc'],
    ['', 'abc'],
    ['abc', ''],
    ['aaa', 'aa'],
    ['in: [a]\n', 'in: [a, b]\n'],
    ['x\ny\n', 'y\n']
  ])('%j → %j touches only what differs', (before, after) => {
    const { start, end, value } = difference(before, after);
    expect(before.slice(0, start) + value + before.slice(end)).toBe(after);
    expect(start).toBeLessThanOrEqual(end);
  });
});

it('never writes over what was typed while the server was asked', async () => {
  let source = 'steps:\n';
  const file = {
    getSource: () => source,
    updateSource: (start: number, end: number, value = '') => {
      source = source.slice(0, start) + value + source.slice(end);
    }
  };
  const trans = nullTranslator.load('');
  const added = async (text: string): Promise<{ text: string }> => ({ text: `${text}  train:\n` });
  await changeText(file, added, trans);
  expect(source).toBe('steps:\n  train:\n');
  const slow = async (text: string): Promise<{ text: string }> => {
    source += '# typed';
    return added(text);
  };
  await expect(changeText(file, slow, trans)).rejects.toThrow('try again');
  expect(source).toBe('steps:\n  train:\n# typed');
});

describe('paths in a file', () => {
  it('begin at its folder', () => {
    expect(relative('flights/data/x.csv', 'flights')).toBe('data/x.csv');
    expect(relative('raw.csv', 'flights')).toBe('../raw.csv');
    expect(relative('raw.csv', '')).toBe('raw.csv');
    expect(relative('flights/model-{{ depth }}.txt', 'flights')).toBe('model-{{ depth }}.txt');
    expect(relative('out/{{ day }}/x.csv', 'flights')).toBe('../out/{{ day }}/x.csv');
  });

  it.each([
    'dataset:sales.orders',
    'step:train',
    '/data/x.csv',
    '{{ where }}/x.csv',
    'model:m-{{ day }}'
  ])('%s stays', text => {
    expect(relative(text, 'flights')).toBe(text);
  });
});

describe('connecting steps', () => {
  const client = {
    edit: jest.fn(async () => ({ text: 'new', name: '' })),
    draft: jest.fn(),
    propose: jest.fn(),
    rename: jest.fn()
  };
  beforeEach(() => client.edit.mockClear());

  it('adds what one makes to what the other takes', async () => {
    await connected(
      client,
      'old',
      step('a', [], ['f/x-{{ n }}', 'model:m']),
      step('b', ['f/x', 'f/y'], []),
      'f'
    );
    expect(client.edit).toHaveBeenCalledWith(
      'old',
      ['steps', 'b', 'in'],
      ['x', 'y', 'x-{{ n }}', 'model:m']
    );
  });

  it('names the step itself when it makes nothing, and changes nothing twice', async () => {
    await connected(client, 'old', step('a', [], []), step('b', [], []), '');
    expect(client.edit).toHaveBeenCalledWith('old', ['steps', 'b', 'in'], ['step:a']);
    client.edit.mockClear();
    expect(await connected(client, 'old', step('a', [], ['x']), step('b', ['x'], []), '')).toEqual({
      text: 'old'
    });
    expect(client.edit).not.toHaveBeenCalled();
  });
});

it('a new step is one question: the server knows which names are free, also in a text that has no graph', async () => {
  const edit = jest.fn(async (text: string) => ({ text: `${text}!`, name: 'train-3' }));
  const client = { edit, draft: jest.fn(), propose: jest.fn(), rename: jest.fn() };
  const fresh = { name: 'train', notebook: 'train.ipynb', in: [], out: ['model:m'] };
  expect(await withStep(client, 'a', fresh)).toEqual({ name: 'train-3', text: 'a!' });
  const value = { notebook: 'train.ipynb', out: ['model:m'] };
  expect(edit.mock.calls).toEqual([['a', ['steps', 'train'], value, true]]);
});

describe('a file that is read again while someone types', () => {
  class File {
    dirty = false;
    constructor(public source: string) {}
    sharedModel = {
      getSource: () => this.source,
      updateSource: (start: number, end: number, value = '') => {
        this.source = this.source.slice(0, start) + value + this.source.slice(end);
      }
    };
    fromString(text: string): void {
      this.source = text;
      this.dirty = false;
    }
  }
  const again = async (file: File, theirs: string, typing: () => void): Promise<boolean> =>
    reread({
      model: file,
      revert: async () => {
        await Promise.resolve();
        typing();
        file.fromString(theirs);
      }
    });

  it('keeps what was typed beside what came', async () => {
    const file = new File('steps:\n  a: 1\n# end');
    const whole = await again(file, 'steps:\n  a: 1\n  b: 2\n# end', () => {
      file.source = '# mine\nsteps:\n  a: 1\n# end';
      file.dirty = true;
    });
    expect([whole, file.source, file.dirty]).toEqual([
      true,
      '# mine\nsteps:\n  a: 1\n  b: 2\n# end',
      true
    ]);
  });

  it('leaves the own text where both changed the same place, and says so', async () => {
    const file = new File('a: 1\n');
    const whole = await again(file, 'a: 2\n', () => (file.source = 'a: 15\n'));
    expect([whole, file.source, file.dirty]).toEqual([false, 'a: 15\n', true]);
  });

  it('is the text of the file when nothing was typed, and JupyterLab reads it as ever afterwards', async () => {
    const file = new File('a: 1\n');
    expect(await again(file, 'b: 1\n', () => undefined)).toBe(true);
    expect([file.source, file.dirty]).toEqual(['b: 1\n', false]);
    file.fromString('c');
    expect(file.source).toBe('c');
  });

  it.each([
    ['abc', 'Xabc', 'abcY', 'XabcY'],
    ['abc', 'abcY', 'Xabc', 'XabcY'],
    ['one two three', 'one 2 three', 'one two', null],
    ['one two three', 'one two 3', 'two three', 'two 3'],
    ['abc', 'abcX', 'abcY', null],
    ['abc', 'abX', 'abX', 'abX']
  ])('%j as %j and as %j: %j', (before, mine, theirs, both) => {
    expect(merged(before, mine, theirs)).toBe(both);
  });
});

it.each([
  ['data', 'data/x.csv', true],
  ['data/x.csv', 'data', true],
  ['data/x', 'data/xy', false],
  ['model:m', 'model:m@champion', true],
  ['model:m@a', 'model:m', false],
  ['dataset:a', 'a', false]
])('%s gives %s: %s', (made, taken, gives) => {
  expect(feeds(made, taken)).toBe(gives);
});

it('what comes before a step, however far back, is what a link from it would close a circle with', () => {
  const after = { a: [], b: ['a'], c: ['b'], d: ['c', 'a'], e: [] };
  const graph = Object.entries(after).map(([name, earlier]) => ({ name, after: earlier }));
  expect([...before(graph, 'd')].sort()).toEqual(['a', 'b', 'c']);
  expect([...before(graph, 'a')]).toEqual([]);
  expect(
    [
      ...before(
        [
          { name: 'x', after: ['y'] },
          { name: 'y', after: ['x'] }
        ],
        'x'
      )
    ].sort()
  ).toEqual(['x', 'y']);
});
