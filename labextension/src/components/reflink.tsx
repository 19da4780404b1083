import React from 'react';

import { useWorkbench } from '../hooks/context';
import { kindOf, nameOf, parseRef } from '../refs';
import { Link } from './button';
import { RefName } from './refname';

/** A reference that opens its page; a text that is none, or has none, stays a text. */
export function RefLink({
  reference,
  children
}: {
  reference: string;
  children?: React.ReactNode;
}): React.ReactElement {
  const { open } = useWorkbench();
  if (!parseRef(reference) || kindOf(reference) === 'user') {
    // a user has no page
    return <span title={reference}>{children ?? nameOf(reference)}</span>;
  }
  return (
    <Link title={reference} onClick={() => void open(reference)}>
      {children ?? <RefName reference={reference} />}
    </Link>
  );
}
