/** How code is written: the tabs of the code drawer. */
export type Door = 'python' | 'magic' | 'sql' | 'cli' | 'curl';

export const DOORS: readonly Door[] = ['python', 'magic', 'sql', 'cli', 'curl'];

const IMPORT = 'import jupyter_mlinfra as ml';
const IMPORT_LINE = /^[ \t]*import jupyter_mlinfra as ml[ \t]*(\r?\n|$)/m;
/** Pieces that were put together bring it each. */
const IMPORT_LINES = /^import jupyter_mlinfra as ml[ \t]*(\r?\n|$)/gm;
const EXTENSION = '%load_ext jupyter_mlinfra';

/**
 * A cell that runs on its own in the notebook whose code cells are `present`:
 * it brings what its code needs unless the notebook has it.
 */
export function asCell(code: string, door: Door, present: readonly string[] = []): string {
  const text = code.trim();
  switch (door) {
    case 'python':
      return withImport(text, present);
    case 'magic':
      return withExtension(text, present);
    case 'sql':
      return withImport(asQuery(text), present);
    default:
      if (/[${}]/.test(text)) {
        return `%%sh\n${text}`; // after a `!`, IPython would put variables there
      }
      return text
        .split('\n')
        .map((line, index, lines) =>
          line && !lines[index - 1]?.endsWith('\\') ? `!${line}` : line
        )
        .join('\n');
  }
}

/**
 * A query as Python: a cell magic must be the first line of its cell, so nothing could load it in
 * the same cell.
 */
function asQuery(sql: string): string {
  return `ml.sql("""\n${sql.replace(/\\|"(?="")/g, '\\$&')}\n""")`;
}

function withImport(text: string, present: readonly string[]): string {
  const bare = text.replace(IMPORT_LINES, '').trimStart();
  if (!/\bml\./.test(bare)) {
    return text;
  }
  return present.some(cell => IMPORT_LINE.test(cell)) ? bare : `${IMPORT}\n${bare}`;
}

function withExtension(text: string, present: readonly string[]): string {
  if (text.includes(EXTENSION) || present.some(cell => cell.includes(EXTENSION))) {
    return text;
  }
  return `${EXTENSION}\n${text}`;
}
