import React from 'react';

import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { cx } from './cx';
import { Shape } from './icon';

interface IAgeProps {
  at: string | null;
  /** Seconds after which it counts as old; the ink then turns amber. */
  limit?: number;
}

/** How old something is. */
export function Age({ at, limit = Infinity }: IAgeProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!at) {
    return null;
  }
  const seconds = format.secondsSince(at);
  const title = trans.__('%1 ago, at %2', format.span(seconds), new Date(at).toLocaleString());
  return (
    <span className={cx('age', seconds > limit && 'is-old')} title={title}>
      <Shape name="clock" />
      {format.span(seconds)}
    </span>
  );
}
