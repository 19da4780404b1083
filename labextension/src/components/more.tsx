import React from 'react';

import type { IPage } from '../api/types';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { PAGE } from '../hooks/list';
import { Link } from './button';
import { cx } from './cx';

/** Below a table that leaves columns out: how many, and the way to them. */
export function LeftOut({
  columns,
  onAll
}: {
  columns: number;
  onAll: () => void;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  return columns > 0 ? (
    <p className={cx('more')}>
      <Link onClick={onAll}>{trans._n('%1 more column', '%1 more columns', columns)}</Link>
    </p>
  ) : null;
}

interface IMoreProps {
  page: Pick<IPage<unknown>, 'shown' | 'total' | 'more'>;
  onMore?: () => void;
  /** How the rest is found when the list cannot grow. */
  rest?: string;
}

/** Below a list that does not show all: how much it shows, and the way to the rest. */
export function More({ page, onMore, rest }: IMoreProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (page.shown >= page.total && !page.more) {
    return null;
  }
  return (
    <p className={cx('more')}>
      {page.more
        ? trans.__('the first %1', format.number(page.shown))
        : trans.__('%1 of %2', format.number(page.shown), format.number(page.total))}
      {' · '}
      {onMore ? (
        <Link onClick={onMore}>{trans.__('next %1', PAGE)}</Link>
      ) : (
        (rest ?? trans.__('search finds the rest'))
      )}
    </p>
  );
}
