import type { ILatencySeries } from '../../api/types';
import { apart, linesOf, topOf } from '../plot';

const point = (minute: number, p95_ms: number | null, requests = 60): object => ({
  at: `2026-01-01T00:0${minute}:00Z`,
  requests,
  errors: 0,
  p50_ms: null,
  p95_ms,
  p99_ms: null
});

const series = (...points: object[]): ILatencySeries =>
  ({
    since: '2026-01-01T00:00:00Z',
    until: '2026-01-01T00:10:00Z',
    complete_since: '2026-01-01T00:00:00Z',
    bucket_seconds: 60,
    versions: [{ version: 'v1', whole: points[0], points }]
  }) as unknown as ILatencySeries;

const drawn = (found: ILatencySeries, figure: 'p95_ms' | 'rate'): [number, number][][] =>
  linesOf(found, found.versions[0]!, figure).map(line => line.map(({ x, y }) => [x, y]));

it('a time without requests is a gap in a line of latencies, and nothing is made up in it', () => {
  const found = series(point(0, 10), point(1, 12), point(5, 30));
  expect(drawn(found, 'p95_ms')).toEqual([
    [
      [0.05, 10],
      [0.15, 12]
    ],
    [[0.55, 30]]
  ]);
});

it('and a rate of nothing in a line of rates', () => {
  const found = series(point(0, 10), point(5, 30, 120));
  expect(drawn(found, 'rate')).toEqual([
    [
      [0.05, 1],
      [expect.closeTo(0.15), 0],
      [expect.closeTo(0.45), 0],
      [0.55, 2]
    ]
  ]);
});

it.each([
  [[], 1],
  [[0], 1],
  [[0.7, 0.3], 1],
  [[17], 20],
  [[44], 50],
  [[100], 100],
  [[101], 200]
])('an axis of %p ends at %p', (values, top) => {
  expect(topOf(values)).toBe(top);
});

it('labels of lines that end together do not cover each other', () => {
  expect(apart([50, 52, 10], 12)).toEqual([50, 62, 10]);
});
