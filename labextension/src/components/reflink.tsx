import React from 'react';

import { useWorkbench } from '../hooks/context';
import { parseRef } from '../refs';
import { Link } from './button';
import { RefName } from './refname';

/** A reference that opens its page; a text that is none stays a text. */
export function RefLink({
  reference,
  children
}: {
  reference: string;
  children?: React.ReactNode;
}): React.ReactElement {
  const { open } = useWorkbench();
  if (!parseRef(reference)) {
    return <span>{children ?? reference}</span>;
  }
  return (
    <Link title={reference} onClick={() => void open(reference)}>
      {children ?? <RefName reference={reference} />}
    </Link>
  );
}
