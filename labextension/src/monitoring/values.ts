import type { IPoint } from '../api/types';

/** What the drawing of one figure over time needs. */
export interface ITrack {
  /** Runs of values without a gap: x and y from 0 to 1, y from the foot. */
  lines: readonly (readonly (readonly [x: number, y: number])[])[];
  /** The place of a value between foot and head. */
  tall: (value: number) => number;
  /** The place of a moment between left and right. */
  across: (moment: number) => number;
  least: number;
  most: number;
}

/** Points between two moments, on a scale that holds the limits too; an hour without data is a gap. */
export function trackOf(
  points: readonly IPoint[],
  limits: readonly number[],
  start: number,
  end: number
): ITrack {
  const values = points.flatMap(({ value }) => (typeof value === 'number' ? [value] : []));
  const all = [...values, ...limits];
  const least = Math.min(0, ...all);
  const most = Math.max(least + 1e-9, ...all) + (Math.max(...all, 0) - least) * 0.1;
  const tall = (value: number): number => (value - least) / (most - least);
  const across = (moment: number): number => (moment - start) / Math.max(1, end - start);
  const lines: (readonly [number, number])[][] = [[]];
  for (const { value, end: at } of points) {
    if (typeof value === 'number') {
      lines[lines.length - 1]?.push([across(at * 1000), tall(value)]);
    } else if (lines[lines.length - 1]?.length) {
      lines.push([]);
    }
  }
  return { lines: lines.filter(line => line.length), tall, across, least, most };
}
