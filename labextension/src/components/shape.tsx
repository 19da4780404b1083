import React from 'react';

import { cx } from './cx';

interface IBarsProps {
  values: readonly number[];
  /** What each bar stands for, shown under the pointer. */
  titles?: readonly string[];
  /** Whether there are values before the first bar and after the last one. */
  before?: boolean;
  after?: boolean;
  label: string;
  width?: number;
  height?: number;
  /** Series colour, 0 to 6. */
  series?: number;
}

const MARK = 7;
/** Bars of less have no gap between them: it would leave a hair of each, too pale to be seen. */
const NARROW = 3;

/**
 * The shape of a column: a bar for each bin. A bin that holds anything is at least one pixel high;
 * where a tail is cut off stands an arrow.
 */
export function Bars({
  values,
  titles,
  before = false,
  after = false,
  label,
  width = 44,
  height = 14,
  series = 1
}: IBarsProps): React.ReactElement | null {
  const most = Math.max(...values);
  if (!values.length || !Number.isFinite(most) || most <= 0) {
    return null;
  }
  const left = before ? MARK : 0;
  const right = width - (after ? MARK : 0);
  const step = (right - left) / values.length;
  return (
    <svg
      className={cx('chart', `series-${series}`)}
      role="img"
      aria-label={label}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
    >
      {titles && <title>{label}</title>}
      {values.map((value, index) => {
        const tall = Math.max(value > 0 ? 1 : 0, (value / most) * height);
        return (
          <rect
            key={index}
            className={cx('bar')}
            x={left + index * step}
            y={height - tall}
            width={step < NARROW ? step : step - 1}
            height={tall}
          >
            {titles && <title>{titles[index]}</title>}
          </rect>
        );
      })}
      {before && <path className={cx('beyond')} d={`M4 ${height - 7}l-3 3l3 3`} />}
      {after && <path className={cx('beyond')} d={`M${right + 3} ${height - 7}l3 3l-3 3`} />}
      <line className={cx('axis')} x1={left} x2={right} y1={height} y2={height} />
    </svg>
  );
}
