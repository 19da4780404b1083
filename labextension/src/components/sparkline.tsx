import React from 'react';

import { cx } from './cx';

export interface IPoint {
  /** 0 to 1, from the left. */
  x: number;
  /** null: not known. */
  y: number | null;
}

const WIDTH = 100;
const HEIGHT = 32;

/**
 * Points as lines of an SVG path: what is not known is a gap. most: the value at the upper edge.
 */
export function lines(points: readonly IPoint[], most: number): string[] {
  const found: string[] = [];
  let line = '';
  const end = (): void => {
    if (line) {
      found.push(line);
    }
    line = '';
  };
  for (const { x, y } of points) {
    if (y === null) {
      end();
      continue;
    }
    const place = `${round(x * WIDTH)} ${round(HEIGHT - 1 - (Math.min(y, most) / most) * (HEIGHT - 2))}`;
    line += `${line ? 'L' : 'M'}${place}`;
  }
  end();
  return found;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The line closed down to the lower edge, for the tint below it. */
const area = (line: string): string => {
  const places = line.slice(1).split('L');
  const [first = '0 0', last = first] = [places[0], places[places.length - 1]];
  return `${line}L${last.split(' ')[0]} ${HEIGHT}L${first.split(' ')[0]} ${HEIGHT}Z`;
};

interface ISparklineProps {
  /** What it shows, in words. */
  label: string;
  points: readonly IPoint[];
  most: number;
  /** Colour, 1 to 6. */
  series: number;
}

/** A small line without axes; the number stands beside it. */
export function Sparkline({ label, points, most, series }: ISparklineProps): React.ReactElement {
  const found = lines(points, most > 0 ? most : 1);
  return (
    <svg
      className={cx('sparkline', `series-${series}`)}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {found.map(line => (
        <React.Fragment key={line}>
          <path className={cx('sparkline-area')} d={area(line)} />
          <path className={cx('sparkline-line')} d={line} />
        </React.Fragment>
      ))}
    </svg>
  );
}
