import React from 'react';

import * as format from '../format';
import { cx } from './cx';
import type { Tone } from './state';

interface IProgressProps {
  /** 0 to 1; null if unknown. */
  fraction: number | null;
  label: string;
  tone?: Tone;
  /** CSS width; fills its place when left out. */
  width?: number;
}

/** A bar of 6 px. */
export function Progress({
  fraction,
  label,
  tone = 'run',
  width
}: IProgressProps): React.ReactElement {
  const percent = fraction === null ? null : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return (
    <span
      className={cx('progress', `fill-${tone}`, percent === null && 'is-unknown')}
      style={width ? { width } : undefined}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
      aria-valuetext={percent === null ? undefined : format.percent(fraction, 0)}
    >
      <span style={percent === null ? undefined : { width: `${percent}%` }} />
    </span>
  );
}
