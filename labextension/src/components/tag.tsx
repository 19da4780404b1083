import React from 'react';

import { cx } from './cx';

/** A plain word on a grey ground: tags, aliases. */
export function Tag({ children }: { children: React.ReactNode }): React.ReactElement {
  return <span className={cx('tag')}>{children}</span>;
}
