import type { IDraftRule } from '../../api/types';
import { onAxis, placed, ticks } from '../../components/marks';
import { heatOf, isLabelled, moved } from '../heat';
import { spanOf, valuesOf } from '../rulesverbs';
import { changeOf, read, shown } from '../rulevalues';
import { mainMetric } from '../tiles';
import { trackOf } from '../values';

describe('the heat map', () => {
  it('darkens at the limits that its legend names', () => {
    expect([null, 0, 0.079, 0.08, 0.15, 0.2, 0.3, 9, 'NaN'].map(heatOf)).toEqual([
      0, 0, 0, 1, 2, 3, 4, 4, 0
    ]);
  });

  it('is walked by arrows that stop at its edges', () => {
    const at = { row: 1, column: 2 };
    const go = (key: string): unknown => moved(key, at, 3, 4);
    expect(go('ArrowDown')).toEqual({ row: 2, column: 2 });
    expect(go('PageDown')).toEqual({ row: 2, column: 2 });
    expect(go('ArrowRight')).toEqual({ row: 1, column: 3 });
    expect(go('End')).toEqual({ row: 1, column: 3 });
    expect(go('Home')).toEqual({ row: 1, column: 0 });
    expect(go('x')).toBeNull();
  });

  it('labels at most a dozen columns, the newest among them', () => {
    for (const columns of [1, 7, 24, 25, 48]) {
      const labelled = Array.from({ length: columns }, (_, column) => column).filter(column =>
        isLabelled(column, columns)
      );
      expect(labelled.length).toBeLessThanOrEqual(13);
      expect(labelled).toContain(columns - 1);
    }
  });
});

describe('the timeline', () => {
  const mark = (at: number, text = 'v8 canary'): never =>
    ({ at: new Date(at).toISOString(), state: 'ready', text, ref: `deployment:${at}` }) as never;

  it('puts marks that would cover each other into lanes, and leaves out what is outside', () => {
    const found = placed([mark(10), mark(500), mark(505), mark(990), mark(2000)], 0, 1000);
    expect(found.map(({ x }) => x)).toEqual([0.01, 0.5, 0.505, 0.99]);
    expect(found[1]?.lane).not.toBe(found[2]?.lane);
    expect(found[3]?.left).toBe(true);
    expect(found[0]?.left).toBe(false);
  });

  it('has what happened between its ends, in the order of time', () => {
    const found = onAxis([mark(1000), mark(250), mark(-1), mark(0), mark(1001)], 0, 1000);
    expect(found.map(({ x, ref }) => [x, ref])).toEqual([
      [0, 'deployment:0'],
      [0.25, 'deployment:250'],
      [1, 'deployment:1000']
    ]);
  });

  it('keeps the newest where there is no room for all', () => {
    const many = Array.from({ length: 20 }, (_, index) =>
      mark(500 + index, 'a long text of a mark')
    );
    const found = placed(many, 0, 1000);
    expect(found.length).toBe(4);
    expect(Math.max(...found.map(({ x }) => x))).toBe(0.519);
  });

  it('has ticks at whole hours, at most nine', () => {
    const start = Date.parse('2026-01-01T10:20:00Z');
    for (const hours of [1, 6, 24, 168, 720, 8760]) {
      const found = ticks(start, start + hours * 3_600_000);
      expect(found.length).toBeLessThanOrEqual(13);
      expect(found.every(at => at % 60_000 === 0)).toBe(true);
    }
    expect(ticks(start, start + 6 * 3_600_000).length).toBe(6);
  });
});

describe('the value of an alert over time', () => {
  const point = (start: number, value: number | null): never =>
    ({ start, end: start + 10, value, labels: {}, metric: 'psi', rows: 1 }) as never;

  it('has a gap where there is no data, and room for the threshold', () => {
    const points = [point(0, 0.1), point(10, null), point(20, 0.2), point(30, 0.1)];
    const { lines, tall, most } = trackOf(points, [0.5], 0, 40_000);
    expect(lines.map(line => line.length)).toEqual([1, 2]);
    expect(most).toBeGreaterThan(0.5);
    expect(tall(0)).toBe(0);
    expect(lines[1]?.[1]?.[0]).toBe(1);
  });

  it('of nothing is nothing', () => {
    expect(trackOf([], [], 0, 1).lines).toEqual([]);
  });
});

describe('the form of a rule', () => {
  const rule: IDraftRule = {
    place: 0,
    line: 2,
    values: { name: 'a', threshold: 0.2, by: ['feature'], where: { feature: 'temp' } }
  };

  it('shows what the text says', () => {
    expect(shown(rule, ['threshold'])).toBe('0.2');
    expect(shown(rule, ['by'])).toBe('feature');
    expect(shown(rule, ['where', 'feature'])).toBe('temp');
    expect(shown(rule, ['where', 'segment'])).toBe('');
    expect(shown(rule, ['name', 'x'])).toBe('');
  });

  it('reads what is typed as the file has it', () => {
    expect(read(' 0.25 ', 'number')).toBe(0.25);
    expect(read('far', 'number')).toBeUndefined();
    expect(read('', 'number')).toBeNull();
    expect(read('a, b,', 'names')).toEqual(['a', 'b']);
    expect(read('a', 'names')).toBe('a');
    expect(read('30 min', 'span')).toBe('30min');
  });

  it('changes what lies deeper with what is beside it', () => {
    expect(changeOf(rule, ['threshold'], 0.3)).toEqual({ threshold: 0.3 });
    expect(changeOf(rule, ['where', 'version'], 'v2')).toEqual({
      where: { feature: 'temp', version: 'v2' }
    });
    expect(changeOf(rule, ['where', 'feature'], null)).toEqual({ where: null });
  });

  it('writes a rule in force as a file would', () => {
    expect([1800, 90, 7200, 86_400, 0.5].map(spanOf)).toEqual(['30min', '90s', '2h', '1d', '0.5s']);
    const found = valuesOf({
      name: 'drift',
      metric: 'psi',
      op: '>=',
      threshold: 0.2,
      clear: null,
      for_seconds: 300,
      keep_firing_seconds: 0,
      min_rows: 200,
      severity: 'warning',
      by: ['feature']
    } as never);
    expect(found).toEqual({
      name: 'drift',
      metric: 'psi',
      op: '>=',
      threshold: 0.2,
      for: '5min',
      min_rows: 200,
      severity: 'warning',
      by: 'feature'
    });
  });
});

it('one metric stands for the others, the area under the curve first', () => {
  expect(mainMetric({ accuracy: 1, roc_auc: 0.8 }, { f1: 1 })).toBe('roc_auc');
  expect(mainMetric(undefined, { mae: 2, rmse: 3 })).toBe('mae');
  expect(mainMetric({ f1: 0.2 })).toBe('f1');
  expect(mainMetric(undefined)).toBeNull();
});
