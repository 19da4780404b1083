import React from 'react';

import type { Door } from '../code/cell';
import { cx } from './cx';

const TOKEN =
  /(?<comment>#[^\n]*)|(?<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<magic>^%%?\w+|^!?mlinfra\b|^!?curl\b)|(?<keyword>\b(?:import|from|as|for|in|if|else|def|return|with|print|lambda|None|True|False|SELECT|FROM|WHERE|ORDER BY|GROUP BY|LIMIT)\b)|(?<number>\b\d[\d_.]*\b)|(?<operator>[=+*/<>|&]+)/gm;

/** The few inks of code in a drawer: enough to read a line, without an editor. */
export function Highlight({ code, door }: { code: string; door: Door }): React.ReactElement {
  const parts: React.ReactNode[] = [];
  let end = 0;
  for (const match of code.matchAll(TOKEN)) {
    const kind = Object.entries(match.groups ?? {}).find(([, text]) => Boolean(text))?.[0];
    parts.push(code.slice(end, match.index));
    parts.push(
      <span key={match.index} className={cx(`code-${kind}`)}>
        {match[0]}
      </span>
    );
    end = match.index + match[0].length;
  }
  parts.push(code.slice(end));
  // A long text scrolls, which the keyboard must be able to do as well.
  return (
    <pre data-door={door} tabIndex={0}>
      {parts}
    </pre>
  );
}
