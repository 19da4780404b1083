import '../../style/diff.css';

import React from 'react';

import { cx } from './cx';

/** What a line of a difference is. */
export type Kind = 'head' | 'hunk' | 'added' | 'removed' | 'same';

const SIGNS: Readonly<Record<string, Kind>> = { '+': 'added', '-': 'removed', '@': 'hunk' };

/**
 * A difference as git writes it, in pieces: lines of one kind that follow each other are one.
 * Together they are the text.
 */
export function piecesOf(text: string): [kind: Kind, text: string][] {
  const pieces: [Kind, string][] = [];
  let inside = false; // of a hunk, where a line that is taken out may look like the head of a file
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    inside = line.startsWith('@@') || (inside && !line.startsWith('diff --git '));
    const kind = inside ? (SIGNS[line[0] ?? ''] ?? 'same') : 'head';
    const last = pieces[pieces.length - 1];
    if (last?.[0] === kind) {
      last[1] += line;
    } else {
      pieces.push([kind, line]);
    }
  }
  return pieces;
}

/** A difference: what is added and taken out has its sign and its colour. */
export function Diff({ text, label }: { text: string; label: string }): React.ReactElement {
  return (
    <pre className={cx('diff')} role="region" aria-label={label} tabIndex={0}>
      {piecesOf(text).map(([kind, piece], index) => (
        <span key={index} className={cx(`is-${kind}`)}>
          {piece}
        </span>
      ))}
    </pre>
  );
}
