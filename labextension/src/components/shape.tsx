import React from 'react';

import { cx } from './cx';

interface IBarsProps {
  values: readonly number[];
  label: string;
  width?: number;
  height?: number;
  /** Series colour, 0 to 6. */
  series?: number;
}

/**
 * The shape of a column: a bar for each bin. A bin that holds anything is at least one pixel high.
 */
export function Bars({
  values,
  label,
  width = 44,
  height = 14,
  series = 1
}: IBarsProps): React.ReactElement | null {
  const most = Math.max(...values);
  if (!values.length || !Number.isFinite(most) || most <= 0) {
    return null;
  }
  const step = width / values.length;
  return (
    <svg
      className={cx('chart', `series-${series}`)}
      role="img"
      aria-label={label}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
    >
      {values.map((value, index) => {
        const tall = Math.max(value > 0 ? 1 : 0, (value / most) * height);
        return (
          <rect
            key={index}
            className={cx('bar')}
            x={index * step}
            y={height - tall}
            width={Math.max(0.5, step - 1)}
            height={tall}
          />
        );
      })}
      <line className={cx('axis')} x1={0} x2={width} y1={height} y2={height} />
    </svg>
  );
}
