import { toLab, toProject } from '../../notebook/paths';
import { binNames } from '../../monitoring/distribution';
import { heatOf } from '../../monitoring/heat';
import * as format from '../../format';
import { aligned } from '../curves';
import { mainMetric } from '../metric';

describe('curves', () => {
  it('are put on common steps; a step that a run lacks is a gap', () => {
    const curve = (
      run: string,
      step: number[],
      mean: number[]
    ): Parameters<typeof aligned>[0][number] => ({
      run,
      metric: 'auc',
      step,
      low: mean,
      mean,
      high: mean,
      total: step.length
    });
    expect(aligned([curve('a', [0, 2], [1, 3]), curve('b', [1, 2], [5, 6])])).toEqual([
      [0, 1, 2],
      [1, null, 3],
      [1, null, 3],
      [1, null, 3],
      [null, 5, 6],
      [null, 5, 6],
      [null, 5, 6]
    ]);
  });

  it('of a run are headed by its AUC, else by its first metric', () => {
    expect(mainMetric({ metrics: { brier: 1, tune_auc: 0.7 } })).toBe('tune_auc');
    expect(mainMetric({ metrics: { b: 1, a: 2 } })).toBe('a');
    expect(mainMetric({ metrics: {} })).toBeUndefined();
  });
});

describe('bins', () => {
  const names = (kind: string, edges: (number | string)[], bins: number): string[] => {
    const drift = { kind, edges, reference: Array.from({ length: bins }, () => 0.1) };
    return binNames(drift as unknown as Parameters<typeof binNames>[0], 'all others');
  };

  it('of numbers are named by their ranges', () => {
    expect(names('number', [1, 2], 3)).toEqual(['≤ 1', '1 – 2', '> 2']);
    expect(names('number', ['••• 1', '••• 2'], 3)).toEqual(['≤ ••• 1', '••• 1 – ••• 2', '> ••• 2']);
  });

  it('of categories and of few values are named by them, and the last one holds all others', () => {
    expect(names('category', ['EWR', 'JFK'], 2)).toEqual(['EWR', 'JFK']);
    expect(names('category', ['EWR', 'JFK'], 3)).toEqual(['EWR', 'JFK', 'all others']);
    expect(names('discrete', [0, 1], 3)).toEqual(['0', '1', 'all others']);
  });

  it.each([
    [0.05, 0],
    [0.2, 3],
    [0.9, 4],
    [null, 0]
  ])('a PSI of %p is heat %i', (psi, heat) => {
    expect(heatOf(psi)).toBe(heat);
  });
});

describe('formats', () => {
  it.each([
    [336_776, '337k'],
    [26_115, '26k'],
    [3_322, '3.3k'],
    [10_000_000, '10M'],
    [16, '16'],
    [null, '–']
  ])('%p rows are %s', (value, text) => {
    expect(format.compact(value)).toBe(text);
  });

  it.each([
    [0, '0 s'],
    [90, '1 min'],
    [7_200, '2 h'],
    [777_600, '9 d'],
    [400_000_000, '12 y']
  ])('%p seconds are %s', (seconds, text) => {
    expect(format.span(seconds)).toBe(text);
  });

  it.each([
    [0.4242, '0.42 s'],
    [18, '18 s'],
    [724, '12:04'],
    [3_750, '1:02:30'],
    [null, '–']
  ])('a duration of %p is %s', (seconds, text) => {
    expect(format.duration(seconds)).toBe(text);
  });

  it('write a minus, not a hyphen', () => {
    expect(format.number(-43)).toBe('−43');
    expect(format.number(-0.00351)).toBe('−0.00351');
  });

  it('never show NaN', () => {
    expect(format.number(Number.NaN)).not.toContain('NaN');
  });
});

describe('paths', () => {
  it('of the file browser and of the project are told apart', () => {
    expect(toProject('notebooks/a.ipynb', { path: 'notebooks' })).toBe('a.ipynb');
    expect(toProject('a.ipynb', { path: 'notebooks' })).toBeNull();
    expect(toProject('a.ipynb', { path: '' })).toBe('a.ipynb');
    expect(toProject('a.ipynb', { path: null })).toBeNull();
    const project = { path: 'notebooks', root: '/home/ana/notebooks' };
    expect(toLab('a.ipynb', project)).toBe('notebooks/a.ipynb');
  });
});
