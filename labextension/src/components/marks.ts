/** What happened on a time axis: a deployment, a run of a pipeline, an alert. */
export interface IMark {
  at: string;
  state: string;
  text: string;
  /** What it opens. */
  ref: string;
}

/** A mark in its place on the axis. */
export interface IMarkOnAxis extends IMark {
  /** 0 to 1, from the left. */
  x: number;
}

/** A mark with room for its text. */
export interface IPlacedMark extends IMarkOnAxis {
  lane: number;
  /** Whether its text stands at the left of it: there is no room at the right. */
  left: boolean;
}

/** The share of the width that a character of a label takes, on a page of usual width. */
const CHARACTER = 0.0068;
const LANES = 4;

/** The marks between two moments, the oldest first. */
export function onAxis(marks: readonly IMark[], start: number, end: number): IMarkOnAxis[] {
  return marks
    .map(mark => ({ ...mark, x: (Date.parse(mark.at) - start) / Math.max(1, end - start) }))
    .filter(({ x }) => x >= 0 && x <= 1)
    .sort((a, b) => a.x - b.x);
}

/**
 * The marks between two moments, in lanes, so that no text covers another; what fits in no lane is
 * left out, the older first.
 */
export function placed(marks: readonly IMark[], start: number, end: number): IPlacedMark[] {
  const taken: [from: number, to: number][][] = Array.from({ length: LANES }, () => []);
  const found: IPlacedMark[] = [];
  for (const mark of onAxis(marks, start, end).reverse()) {
    const width = 0.02 + mark.text.length * CHARACTER;
    const left = mark.x + width > 1;
    const [from, to] = left ? [mark.x - width, mark.x + 0.01] : [mark.x - 0.01, mark.x + width];
    const lane = taken.findIndex(spans => spans.every(span => to <= span[0] || from >= span[1]));
    if (lane >= 0) {
      taken[lane]?.push([from, to]);
      found.push({ ...mark, lane, left });
    }
  }
  return found.reverse();
}

const HOUR = 3_600_000;
const STEPS = [1, 2, 3, 6, 12, 24, 48, 168].map(hours => hours * HOUR);

/** The moments at which an axis has a label: whole hours or days, one more than `most` at most. */
export function ticks(start: number, end: number, most = 8): number[] {
  const step = STEPS.find(size => (end - start) / size <= most) ?? 720 * HOUR;
  const offset = new Date(start).getTimezoneOffset() * 60_000;
  const first = Math.ceil((start - offset) / step) * step + offset;
  const found = [];
  for (let at = first; at <= end; at += step) {
    found.push(at);
  }
  return found;
}
