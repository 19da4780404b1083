import React from 'react';

import type { IDifference } from '../api/types';
import * as format from '../format';
import { cx } from './cx';
import { Num } from './number';

interface IDifferingProps {
  row: IDifference;
  /** Of the thing that is compared. */
  index: number;
  strong: boolean;
}

/** What one of the compared things has in a line. */
export function Differing({ row, index, strong }: IDifferingProps): React.ReactElement {
  const value = row.values[index] ?? null;
  if (typeof value === 'number' || (row.kind === 'metric' && value !== null)) {
    const written = format.alike(row.values)[index] ?? '';
    return <Num value={value} format={() => written} strong={strong} />;
  }
  if (value === null) {
    return <>{format.DASH}</>;
  }
  return (
    <span className={cx('clip')} title={value}>
      {strong ? <b>{format.setting(value)}</b> : format.setting(value)}
    </span>
  );
}
