import React from 'react';

import { cx } from './cx';

/** Names up to this length fit everywhere. */
const SHORT = 18;
/** Characters at the end that are kept. */
const TAIL = 8;

/**
 * A name that loses its middle where it does not fit; readers and tooltips have it whole.
 * It runs in its own direction, and turns nothing that stands beside it.
 */
export function Name({ text }: { text: string }): React.ReactElement {
  const letters = Array.from(text); // an emoji is one letter, and is not cut in half
  if (letters.length <= SHORT) {
    return <bdi>{text}</bdi>;
  }
  return (
    <>
      <bdi className={cx('unseen')}>{text}</bdi>
      <span className={cx('middle')} dir="auto" aria-hidden="true">
        <span>{letters.slice(0, -TAIL).join('')}</span>
        <span>{letters.slice(-TAIL).join('')}</span>
      </span>
    </>
  );
}
