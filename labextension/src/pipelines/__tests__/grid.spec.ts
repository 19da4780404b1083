import type { IPipelineRun, IStep, IStepRun } from '../../api/types';
import { columnsOf, drawn, type IMissed, rowsOf, sight, undone } from '../grid';

const step = (name: string, state: IStepRun['state'] = 'succeeded'): IStepRun => ({
  name,
  state,
  job: null,
  notebook: null,
  reason: '',
  started_at: null,
  ended_at: null,
  changed: [],
  detail: '',
  runs: []
});

const run = (
  id: string,
  started: string,
  names: readonly string[] = [],
  date = ''
): IPipelineRun => ({
  run: id,
  pipeline: 'churn',
  state: 'succeeded',
  steps: names.map(name => step(name)),
  parameters: {},
  user: 'ana',
  started_at: started,
  ended_at: null,
  reason: '',
  date,
  repairs: '',
  repairable: false,
  only: '',
  backend: null,
  backfill: ''
});

const missed = (due: string): IMissed =>
  ({ due, due_at: due, schedule: 'daily', reason: 'off', state: 'missed' }) as unknown as IMissed;

const file = (name: string, elements: readonly string[] = []): IStep =>
  ({
    name,
    elements,
    notebook: 'a.ipynb',
    inputs: [],
    outputs: [],
    parameters: {},
    after: []
  }) as unknown as IStep;

describe('columns of the matrix', () => {
  const runs = [
    run('c', '2026-11-24T12:00:00Z'),
    run('b', '2026-11-24T09:00:00Z'),
    run('a', '2026-11-22T09:00:00Z')
  ];

  it('stand in the order of time, with missed times between the runs', () => {
    const columns = columnsOf(runs, [missed('2026-11-23T06:00:00+01:00')], true);
    expect(columns.map(column => column.run?.run ?? 'missed')).toEqual(['a', 'missed', 'b', 'c']);
    expect(columns.map(({ day, first }) => first && day)).toEqual([
      '11-22',
      '11-23',
      '11-24',
      false
    ]);
  });

  it('tell all times by one clock: a due time of Tokyo stands beside a run at the hour of the user', () => {
    const due = { ...missed('2026-11-25T04:00:00+09:00'), due_at: '2026-11-24T19:00:00Z' };
    const columns = columnsOf([run('a', '2026-11-24T19:30:00Z')], [due], true);
    const [hours, others] = columns.map(({ clock }) => clock.slice(0, 3));
    expect(hours).toBe(others);
    expect(columns.map(({ first }) => first)).toEqual([true, false]);
    expect(columns[0]?.title).toContain('2026-11-25 04:00 +09:00 daily');
  });

  it('leave out what was missed before the oldest run that is shown', () => {
    const old = [missed('2026-01-01T06:00:00Z')];
    expect(columnsOf(runs, old, false)).toHaveLength(3);
    expect(columnsOf(runs, old, true)).toHaveLength(4);
    expect(columnsOf([], old, true)).toHaveLength(1);
  });

  it('carry the date that a run is for', () => {
    const filled = [
      run('y', '2026-11-24T09:01:00Z', [], '2026-01-02'),
      run('x', '2026-11-24T09:00:00Z', [], '2026-01-01')
    ];
    expect(columnsOf(filled, [], true).map(({ day, clock }) => [day, clock])).toEqual([
      ['01-01', ''],
      ['01-02', '']
    ]);
  });
});

describe('rows of the matrix', () => {
  it('are the steps of the file; elements of a foreach have rows of their own, older ones too', () => {
    const graph = [file('a'), file('b', ['b[x=1]', 'b[x=2]']), file('c')];
    const runs = [run('r', '2026-01-01T00:00:00Z', ['a', 'b[x=1]', 'b[x=3]', 'gone'])];
    expect(rowsOf(graph, runs)).toEqual(['a', 'b[x=1]', 'b[x=2]', 'b[x=3]', 'c']);
  });
});

describe('what is drawn', () => {
  it('is what is in sight, a few beyond, and the cell with the focus', () => {
    expect(sight(0, 240, 24, 200)).toEqual([0, 13]);
    expect(sight(2400, 240, 24, 200)).toEqual([97, 113]);
    expect(sight(4700, 240, 24, 200)).toEqual([192, 200]);
    expect(sight(0, 240, 24, 0)).toEqual([0, 0]);
    expect(drawn([2, 5], 3, 100)).toEqual([2, 3, 4]);
    expect(drawn([2, 5], 90, 100)).toEqual([2, 3, 4, 90]);
    expect(drawn([2, 5], 100, 100)).toEqual([2, 3, 4]);
  });
});

it('counts the steps that a repair would run', () => {
  const broken = {
    ...run('r', ''),
    repairable: true,
    steps: [
      step('a'),
      step('b', 'cached'),
      step('c', 'failed'),
      step('d[n=1]', 'skipped'),
      step('gone', 'failed')
    ]
  };
  const graph = ['a', 'b', 'c', 'd'].map(name => ({ name }));
  expect(undone(broken, graph)).toBe(2);
  expect(undone({ ...broken, repairable: false }, graph)).toBe(0);
});
