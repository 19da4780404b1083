import React from 'react';

import { cx } from './cx';

interface IPairsProps {
  pairs: readonly (readonly [key: string, value: React.ReactNode])[];
  /** The text when there are no pairs. */
  empty?: string;
}

/** Names and values below each other; pairs without a value are left out. */
export function Pairs({ pairs, empty }: IPairsProps): React.ReactElement {
  const present = pairs.filter(
    ([, value]) => value !== null && value !== undefined && value !== false && value !== ''
  );
  if (!present.length && empty) {
    return <p className={cx('more')}>{empty}</p>;
  }
  return (
    <div className={cx('scroll')}>
      <dl className={cx('pairs')}>
        {present.map(([key, value]) => (
          <React.Fragment key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}
