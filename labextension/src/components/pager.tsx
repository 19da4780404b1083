import React from 'react';

import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { Button } from './button';

interface IPagerProps {
  /** The first row of the page, from 0. */
  start: number;
  /** Rows of a page. */
  size: number;
  total: number;
  onStart: (start: number) => void;
}

/** Which rows of many are shown, and the ways to the others. */
export function Pager({ start, size, total, onStart }: IPagerProps): React.ReactElement {
  const { trans } = useWorkbench();
  const last = Math.floor((total - 1) / size) * size;
  const verbs: readonly [word: string, to: number][] = [
    [trans.__('First'), 0],
    [trans.__('Previous'), Math.max(0, start - size)],
    [trans.__('Next'), Math.min(last, start + size)],
    [trans.__('Last'), last]
  ];
  return (
    <>
      <span aria-live="polite">
        {trans.__(
          'rows %1–%2 of %3',
          format.number(start + 1),
          format.number(Math.min(total, start + size)),
          format.number(total)
        )}
      </span>
      {verbs.map(([word, to]) => (
        <Button key={word} label={word} disabled={to === start} onClick={() => onStart(to)} />
      ))}
    </>
  );
}
