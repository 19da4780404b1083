import type { ILatencySeries } from '../api/types';

/** What a chart of the versions shows. */
export type Figure = 'p50_ms' | 'p95_ms' | 'p99_ms' | 'rate';

type Version = ILatencySeries['versions'][number];
type Point = Version['points'][number];

/** A figure of a span of time; null where nothing was measured. */
export function figureOf(point: Point, figure: Figure, seconds: number): number | null {
  return figure === 'rate' ? point.requests / seconds : point[figure];
}

/** A point of a line: its place in time, 0 to 1, and its value. */
export interface IPlace {
  x: number;
  y: number;
}

/**
 * The lines of one version: where a span had no request, a line of latencies ends, and a rate
 * is 0.
 */
export function linesOf(series: ILatencySeries, version: Version, figure: Figure): IPlace[][] {
  const start = Date.parse(series.since);
  const length = Math.max(1, Date.parse(series.until) - start);
  const step = series.bucket_seconds * 1000;
  const lines: IPlace[][] = [];
  let last: number | null = null;
  const place = (at: number, y: number): IPlace => ({ x: (at - start + step / 2) / length, y });
  for (const point of version.points) {
    const at = Date.parse(point.at);
    const y = figureOf(point, figure, series.bucket_seconds);
    if (y === null) {
      continue;
    }
    const gap: boolean = last === null || at - last > 1.5 * step;
    const line = lines[lines.length - 1];
    if (gap && figure === 'rate' && line && last !== null) {
      line.push(place(last + step, 0), place(at - step, 0));
      line.push(place(at, y));
    } else if (gap || !line) {
      lines.push([place(at, y)]);
    } else {
      line.push(place(at, y));
    }
    last = at;
  }
  return lines;
}

/** A round number at least as large as all values: the upper end of the axis. */
export function topOf(values: readonly number[]): number {
  const most = Math.max(0, ...values);
  if (most <= 0) {
    return 1;
  }
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map(times => times * unit).find(round => round >= most) ?? 10 * unit;
}

/** Labels beside each other, moved apart so that none covers another. at, gap: in pixels. */
export function apart(places: readonly number[], gap: number): number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const found = [...places];
  let above = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    above = Math.max(places[index] ?? 0, above + gap);
    found[index] = above;
  }
  return found;
}
