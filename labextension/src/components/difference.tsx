import React from 'react';

import type { IDifference } from '../api/types';
import * as format from '../format';
import { cx } from './cx';
import { Num } from './number';

/** What one of the compared things has in a line; bold where the line is not the same in all. */
export function Differing({ row, index }: { row: IDifference; index: number }): React.ReactElement {
  const value = row.values[index] ?? null;
  if (typeof value === 'number' || (row.kind === 'metric' && value !== null)) {
    const written = format.alike(row.values)[index] ?? '';
    return <Num value={value} format={() => written} strong={!row.same} />;
  }
  if (value === null) {
    return <>{format.DASH}</>;
  }
  return (
    <span className={cx('clip')} title={value}>
      {row.same ? format.setting(value) : <b>{format.setting(value)}</b>}
    </span>
  );
}
