import type { IJob, IQueuedJob } from '../../api/types';
import {
  cloneNeeds,
  cloneParameters,
  fillForm,
  formOf,
  readForm,
  startForm,
  sweepOf
} from '../form';
import { toggleSweep } from '../fields';
import { append, type ILog, prepend } from '../log';
import { tableLines } from '../queue';
import { kernelsIn, linesOf, moved, shortName, startsOf } from '../lines';
import { readSweep, readValue, sweepExample } from '../values';

const PARAMETERS = [
  { name: 'depth', type: 'int', default: 6 },
  { name: 'origins', type: 'list[str]', default: ['EWR'] },
  { name: 'day', type: 'str', default: '2013-12-01' }
];
const FAULT = {
  type: (type: string) => `Not a valid ${type}.`,
  exact: 'Too large.',
  whole: (least: number) => `${least} or more.`,
  gpus: 'Whole, or a part.',
  above: 'Above 0.',
  list: (type: string) => `No list of ${type}.`,
  many: (most: number) => `More than ${most}.`
};

describe('the submit form', () => {
  it('says nothing of parameters that keep their defaults', () => {
    const { spec } = readForm(startForm('a.ipynb', PARAMETERS), PARAMETERS, FAULT);
    expect(spec).toEqual({
      notebook: 'a.ipynb',
      parameters: {},
      cpus: 1,
      gpus: 0,
      priority: 50,
      retries: 0
    });
  });

  it('reads each changed field as its type', () => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec } = readForm(
      {
        ...form,
        parameters: { depth: '8', origins: '["JFK","LGA"]', day: "it's" },
        gpus: '1',
        time_limit_minutes: '30'
      },
      PARAMETERS,
      FAULT
    );
    expect(spec).toMatchObject({
      parameters: { depth: 8, origins: ['JFK', 'LGA'], day: "it's" },
      gpus: 1,
      time_limit_minutes: 30
    });
  });

  it('submits nothing while a field is at fault, and says which', () => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec, draft, faults } = readForm(
      { ...form, parameters: { ...form.parameters, depth: 'six' }, cpus: '-1' },
      PARAMETERS,
      FAULT
    );
    expect(spec).toBeNull();
    expect(draft).toMatchObject({ notebook: 'a.ipynb', parameters: {} });
    expect(faults).toEqual({ 'parameter:depth': 'Not a valid int.', cpus: '0 or more.' });
  });

  it.each(['5', 'true', '[1]'])('takes the text %s as a text', day => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec } = readForm(
      { ...form, parameters: { ...form.parameters, day } },
      PARAMETERS,
      FAULT
    );
    expect(spec?.parameters).toEqual({ day });
  });

  it.each([
    ['12345678901234567890', 'int'],
    ['-9007199254740993', 'int | None'],
    ['Infinity', 'float'],
    ['1e400', 'float'],
    ['[1, 12345678901234567890]', 'list[int]']
  ])('refuses %s for %p, which would arrive as another number', (text, type) => {
    const parameters = [{ name: 'seed', type, default: null }];
    const form = fillForm('a.ipynb', parameters, { parameters: { seed: text } });
    expect(readForm(form, parameters, FAULT)).toMatchObject({
      spec: null,
      faults: { 'parameter:seed': 'Too large.' }
    });
  });

  it('keeps a parameter apart from a field of its name, and from what every object has', () => {
    const parameters = [
      { name: 'retries', type: 'int', default: 3 },
      { name: 'constructor', type: 'str', default: 'ferrari' }
    ];
    const form = fillForm('a.ipynb', parameters, {
      parameters: { retries: 'many', constructor: 'lotus' }
    });
    const { faults, grid } = readForm(form, parameters, FAULT);
    expect([Object.keys(faults), grid]).toEqual([['parameter:retries'], []]);
    const { spec } = readForm(
      { ...form, parameters: { ...form.parameters, retries: '4' } },
      parameters,
      FAULT
    );
    expect(spec?.parameters).toEqual({ retries: 4, constructor: 'lotus' });
    expect(sweepOf(form, 'constructor')).toBeUndefined();
  });

  it('takes a job of no slots, and no empty field', () => {
    const form = startForm('a.ipynb', []);
    expect(readForm({ ...form, cpus: '0' }, [], FAULT).spec?.cpus).toBe(0);
    expect(readForm({ ...form, cpus: ' ' }, [], FAULT).faults).toEqual({ cpus: '0 or more.' });
  });

  it.each([
    ['1e-3', 'float', 0.001],
    ['TRUE', 'bool', true],
    ['None', 'int', null],
    ['7', 'int | None', 7],
    ['plain', '', 'plain'],
    ['[1,', '', '[1,'],
    ['plain', 'list | str', 'plain']
  ])('reads %s as %s', (text, type, value) => {
    expect(readValue(text, type)).toBe(value);
  });

  it.each([
    ['layers = [1,', 'list'],
    ['[1,', 'list[int]'],
    ['{"a": 1}', 'List[int] | None'],
    ['[1]', 'dict[str, int]'],
    ['{"a": ', 'Config']
  ])('refuses %s for a %s, which would arrive as a text', (text, type) => {
    const parameters = [{ name: 'layers', type, default: null }];
    const form = fillForm('a.ipynb', parameters, { parameters: { layers: text } });
    expect(Object.keys(readForm(form, parameters, FAULT).faults)).toEqual(['parameter:layers']);
  });
});

describe('the needs of a job', () => {
  const PLAIN = [{ name: 'x', type: 'int', default: 1 }];
  const read = (change: Partial<ReturnType<typeof startForm>>): ReturnType<typeof readForm> =>
    readForm({ ...startForm('a.ipynb', PLAIN), ...change }, PLAIN, FAULT);

  it('are all sent', () => {
    const { spec } = read({
      gpus: '0.25',
      gpu_type: 'A100',
      memory_gib: '7.5',
      priority: '70',
      backend: 'slurm',
      queue: 'gpu',
      after: '7f3a, 8b11'
    });
    expect(spec).toMatchObject({
      gpus: 0.25,
      gpu_type: 'A100',
      memory_gib: 7.5,
      priority: 70,
      backend: 'slurm',
      queue: 'gpu',
      after: ['7f3a', '8b11']
    });
  });

  it.each([
    [{ gpus: '1.5' }, 'gpus'],
    [{ gpus: '0.333' }, 'gpus'],
    [{ gpus: '-1' }, 'gpus'],
    [{ memory_gib: '0' }, 'memory_gib'],
    [{ priority: '101' }, 'priority'],
    [{ time_limit_minutes: '0' }, 'time_limit_minutes']
  ])('refuse %j', (change, field) => {
    const { spec, faults } = read(change);
    expect(spec).toBeNull();
    expect(Object.keys(faults)).toEqual([field]);
  });

  it.each(['1', '0.5', '0.29', '8'])('take %s GPUs', gpus =>
    expect(read({ gpus }).spec?.gpus).toBe(Number(gpus))
  );
});

describe('a sweep', () => {
  const read = (sweeps: Record<string, string>, change = {}): ReturnType<typeof readForm> =>
    readForm({ ...startForm('a.ipynb', PARAMETERS), sweeps, ...change }, PARAMETERS, FAULT);

  it('is an array of every combination, and the other parameters stay common', () => {
    const form = {
      parameters: { depth: '6', origins: '["JFK"]', day: '2013-12-01' },
      maxParallel: '2'
    };
    const { spec, grid } = read({ depth: '[4, 6, 8]', day: '["a", "b"]' }, form);
    expect(grid).toEqual([3, 2]);
    expect(spec?.array).toEqual([
      { depth: 4, day: 'a' },
      { depth: 4, day: 'b' },
      { depth: 6, day: 'a' },
      { depth: 6, day: 'b' },
      { depth: 8, day: 'a' },
      { depth: 8, day: 'b' }
    ]);
    expect(spec).toMatchObject({ parameters: { origins: ['JFK'] }, max_parallel: 2 });
  });

  it('takes lists of lists as values', () => {
    expect(read({ origins: '[["JFK"], ["LGA", "EWR"]]' }).spec?.array).toEqual([
      { origins: ['JFK'] },
      { origins: ['LGA', 'EWR'] }
    ]);
  });

  it.each<[string, string, unknown[]]>([
    ['int', '4, 6, 8', [4, 6, 8]],
    ['int', '4', [4]],
    ['float', '0.1, 1,', [0.1, 1]],
    ['bool', 'true, False', [true, false]],
    ['str', 'plane, 5, a ship', ['plane', '5', 'a ship']],
    ['str', '["a, b", "c"]', ['a, b', 'c']],
    ['', '1, x', [1, 'x']],
    ['list[int]', '[[1, 2], [3]]', [[1, 2], [3]]]
  ])('of %s takes %s', (type, text, values) => {
    expect(readSweep(text, type)).toEqual(values);
    expect(readSweep(sweepExample(type), type).length).toBeGreaterThan(1);
  });

  it.each(['', '[]', '4,,6', '4, six', '[4, "six"]', '[4.5]', '[12345678901234567890]'])(
    'refuses %p for whole numbers',
    text => {
      const { spec, faults } = read({ depth: text });
      expect(spec).toBeNull();
      expect(Object.keys(faults)).toEqual(['parameter:depth']);
    }
  );

  it('is refused above what the server takes, before its combinations are made', () => {
    const many = JSON.stringify(Array.from({ length: 2_000 }, (_, index) => index));
    const { spec, faults } = read({ depth: many, origins: many });
    expect(spec).toBeNull();
    expect(faults).toEqual({ 'parameter:origins': 'More than 10000.' });
  });

  it('begins with the present value, and is taken back', () => {
    const form = startForm('a.ipynb', PARAMETERS);
    expect(toggleSweep(form, 'depth', 'int')).toEqual({ depth: '6' });
    expect(toggleSweep(form, 'origins', 'list[str]')).toEqual({ origins: '[["EWR"]]' });
    expect(toggleSweep(form, 'day', 'str')).toEqual({ day: '2013-12-01' });
    expect(toggleSweep({ ...form, parameters: { flag: 'True' } }, 'flag', 'bool')).toEqual({
      flag: 'true, false'
    });
    expect(toggleSweep({ ...form, parameters: { words: 'a, b' } }, 'words', 'str')).toEqual({
      words: '["a, b"]'
    });
    expect(toggleSweep({ ...form, sweeps: { depth: '[6]' } }, 'depth', 'int')).toEqual({});
  });
});

describe('a clone', () => {
  const job = {
    name: 'train',
    parameters: { depth: 8, day: 'x' },
    cpus: 2,
    gpus: 0.5,
    gpu_type: null,
    memory_gib: 4,
    time_limit_minutes: 30,
    priority: 60,
    retries: 1,
    backend: 'local',
    queue: null
  } as unknown as IJob;

  it('says what the earlier job said', () => {
    const { spec } = readForm(fillForm('a.ipynb', PARAMETERS, formOf(job)), PARAMETERS, FAULT);
    expect(spec).toMatchObject({
      parameters: { depth: 8, day: 'x' },
      name: 'train',
      cpus: 2,
      gpus: 0.5,
      memory_gib: 4,
      time_limit_minutes: 30,
      priority: 60,
      retries: 1,
      backend: 'local'
    });
  });

  it('with the same code says what was set back to its default too: what is left out would stay as it was', () => {
    const form = fillForm('a.ipynb', PARAMETERS, {
      ...formOf(job),
      parameters: { depth: '6', day: 'y' }
    });
    const { spec } = readForm(form, PARAMETERS, FAULT);
    expect(spec?.parameters).toEqual({ day: 'y' });
    expect(cloneParameters(job, spec!, PARAMETERS)).toEqual({ depth: 6, day: 'y' });
  });

  it('with the same code asks for what was changed, also for none of what it had', () => {
    const same = readForm(fillForm('a.ipynb', PARAMETERS, formOf(job)), PARAMETERS, FAULT);
    expect(cloneNeeds(job, same.spec!)).toEqual({});
    const form = {
      ...formOf(job),
      gpus: '2',
      memory_gib: '',
      time_limit_minutes: '45',
      name: 'wide one',
      after: '77ab'
    };
    const { spec } = readForm(fillForm('a.ipynb', PARAMETERS, form), PARAMETERS, FAULT);
    const needs = cloneNeeds(job, spec!);
    expect(needs).toEqual({
      gpus: 2,
      memory_gib: null,
      time_limit_minutes: 45,
      name: 'wide one',
      after: ['77ab']
    });
  });
});

describe('the queue', () => {
  const waiting = (
    position: number,
    job: Partial<IJob>,
    starts_at: string | null = null
  ): IQueuedJob => ({
    position,
    starts_at,
    job: { part_of: null, held_by: '', id: 'x', ref: 'job:x', ...job } as IJob
  });
  const QUEUE = [
    waiting(1, { id: 'a' }, '2026-01-01T12:00:00Z'),
    waiting(2, { id: 'e1', part_of: 'arr' }, '2026-01-01T12:10:00Z'),
    waiting(3, { id: 'e2', part_of: 'arr' }, '2026-01-01T12:05:00Z'),
    waiting(4, { id: 'b' }),
    waiting(5, { id: 'e3', part_of: 'arr' }),
    waiting(6, { id: 'e4', part_of: 'arr', held_by: 'bob' })
  ];

  it('shows elements that wait behind each other as one line, those on hold apart', () => {
    expect(linesOf(QUEUE).map(({ position, elements }) => [position, elements])).toEqual([
      [1, 1],
      [2, 2],
      [4, 1],
      [5, 1],
      [6, 1]
    ]);
  });

  it('means all elements by a line of several, else the one that stands there', () => {
    const running = {
      items: [{ id: 'r', ref: 'job:r', started_at: null } as IJob],
      shown: 1,
      total: 1,
      cursor: null
    };
    const lines = tableLines({ running, items: QUEUE });
    expect(lines.map(({ target }) => target)).toEqual(['r', 'a', 'arr', 'b', 'e3', 'e4']);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
  });

  it('tells when a job starts, and an array with the first of its elements', () => {
    expect(Object.fromEntries(startsOf(QUEUE))).toEqual({
      a: '2026-01-01T12:00:00Z',
      e1: '2026-01-01T12:10:00Z',
      e2: '2026-01-01T12:05:00Z',
      arr: '2026-01-01T12:05:00Z'
    });
  });

  it('moves a job by ten, and stops at its ends', () => {
    expect([moved(50, true), moved(50, false), moved(95, true), moved(3, false)]).toEqual([
      60, 40, 100, 0
    ]);
  });

  it('knows the notebook whose kernel is in the way', () => {
    const reason =
      'Needs 2 GPUs, 0 are free; GPU 0 is held by job 7f3a, GPU 1 is held by kernel my eda.ipynb (pid 41), GPU 2 is held by kernel b.ipynb (pid 42).';
    expect(kernelsIn(reason)).toEqual([
      { notebook: 'my eda.ipynb', pid: '41' },
      { notebook: 'b.ipynb', pid: '42' }
    ]);
    expect(kernelsIn('GPU 1 is held by python (pid 41).')).toEqual([]);
  });
});

describe('a log', () => {
  const nothing: ILog = { pieces: [], next: 0, size: 0, ended: false };
  const piece = (
    text: string,
    offset: number,
    next = offset + text.length
  ): Parameters<typeof append>[1] => ({
    text,
    offset,
    next,
    size: 9_000_000,
    ended: false
  });
  const textOf = (log: ILog): string => log.pieces.map(({ text }) => text).join('');

  it('grows by pieces, of which the newest stands apart', () => {
    const log = ['a\n', 'b\n', 'c\n', 'd\n'].reduce(
      (log, text, at) => append(log, piece(text, 2 * at)),
      nothing
    );
    expect(log.pieces.map(({ text, offset, next }) => [text, offset, next])).toEqual([
      ['a\nb\nc\n', 0, 6],
      ['d\n', 6, 8]
    ]);
    const gone = append(nothing, {
      text: '',
      offset: 0,
      next: 0,
      size: 0,
      ended: true,
      note: 'Cleared.'
    });
    expect(gone).toMatchObject({ pieces: [], note: 'Cleared.', ended: true });
  });

  it('keeps earlier pieces that were asked for, while it goes on', () => {
    const tail = append(nothing, piece('x\n'.repeat(499_999), 500_000));
    const more = prepend(tail, piece('first\n'.repeat(1000), 494_000));
    const later = append(more, piece('y\n', 1_499_998));
    expect(textOf(later).startsWith('first\n')).toBe(true);
    expect(textOf(later).endsWith('x\ny\n')).toBe(true);
    expect(later.pieces[0]?.offset).toBe(494_000);
  });

  it('drops whole old pieces, and takes the place of the others from the server: it may hold what is no text', () => {
    const bytes = 300_000; // each of them answered as a letter of three bytes
    const text = '\uFFFD'.repeat(bytes);
    const log = [0, 1, 2, 3, 4].reduce((log, at) => append(log, piece(text, at * bytes)), nothing);
    expect(log.pieces.map(({ offset, next }) => [offset, next])).toEqual([
      [300_000, 600_000],
      [600_000, 900_000],
      [900_000, 1_200_000],
      [1_200_000, 1_500_000]
    ]);
  });
});

it.each([
  [{ name: 'notebooks/04 train/train.ipynb', labels: {} }, 'train.ipynb'],
  [{ name: 'churn/train', labels: { pipeline: 'churn' } }, 'churn/train'],
  [
    { name: 'deploy churn/2 to churn', labels: { verb: 'deployments deploy' } },
    'deploy churn/2 to churn'
  ]
])('the tab of the job %j reads %s', (job, expected) => {
  expect(shortName(job)).toBe(expected);
});
