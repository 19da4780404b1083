import React from 'react';

import { useName } from '../hooks/name';
import { Name } from './name';

/** What people call an object; its reference is seen on hover. */
export function RefName({ reference }: { reference: string }): React.ReactElement {
  const name = useName(reference);
  return (
    <span title={reference}>
      <Name text={name} />
    </span>
  );
}
