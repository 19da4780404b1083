import React from 'react';

import { cx } from './cx';

/** Names up to this length fit everywhere. */
const SHORT = 18;
/** Characters at the end that are kept. */
const TAIL = 8;

/**
 * A name that loses its middle where there is no room for it; readers and tooltips have it whole.
 */
export function Name({ text }: { text: string }): React.ReactElement {
  if (text.length <= SHORT) {
    return <>{text}</>;
  }
  return (
    <>
      <span className={cx('unseen')}>{text}</span>
      <span className={cx('middle')} aria-hidden="true">
        <span>{text.slice(0, -TAIL)}</span>
        <span>{text.slice(-TAIL)}</span>
      </span>
    </>
  );
}
