import React from 'react';

import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { kinds } from '../kinds';
import { cellOf } from '../notebook/writer';
import { kindOf } from '../refs';
import { Link } from './button';
import { RefLink } from './reflink';

/** Who wrote something: a job opens its page, a notebook opens at the cell, a user has no page. */
export function Writer({ of: writer }: { of: string }): React.ReactElement {
  const { trans } = useWorkbench();
  const openFile = useOpenFile();
  const place = cellOf(writer);
  if (!place) {
    const kind = kindOf(writer);
    return kind === 'user' || kinds.get(kind) ? (
      <RefLink reference={writer} />
    ) : (
      <span>{writer || format.DASH}</span>
    );
  }
  return (
    <Link
      title={trans.__('Open the cell that wrote it')}
      onClick={() => openFile(place.path, place.cell)}
    >
      {place.path.split('/').pop()}
    </Link>
  );
}
