/** A cell of a table: what it says, and what of its place has a meaning. */
export interface IFrameCell {
  text: string;
  head: boolean;
  /** Numbers stand at the right. */
  end: boolean;
  colSpan: number;
  rowSpan: number;
}

/** A table that pandas, polars or another library put out. */
export interface IFrame {
  /** What stands around it: `shape: (336_776, 19)`, `5 rows × 3 columns`. */
  note: string;
  head: readonly (readonly IFrameCell[])[];
  body: readonly (readonly IFrameCell[])[];
  /** Rows and columns that are left out. */
  moreRows: number;
  moreColumns: number;
}

/** What the markup of a cell's output holds. */
export interface IFrames {
  frames: readonly IFrame[];
  /** Tables that are left out. */
  more: number;
  /** Whether there is more than tables and the notes around them. */
  partial: boolean;
}

const NONE: IFrames = { frames: [], more: 0, partial: false };

const TABLES = 20;
/** The part of all text that may stand elsewhere than in tables and their notes. */
const ASIDE = 0.05;
const ROWS = 100;
const COLUMNS = 50;
/** More markup than this is not read: its text is shown. */
const LONGEST = 4_000_000;

const NUMBER = /^[−+-]?(\d[\d.,_]*|\.\d+)(e[+-]?\d+)?\s?%?$|^[−-]?(inf|nan)$/i;

const textOf = (node: Element | null): string =>
  node?.textContent.replace(/\s+/g, ' ').trim() ?? '';

function cellOf(cell: HTMLTableCellElement): IFrameCell {
  const text = textOf(cell);
  const { colSpan, rowSpan } = cell;
  return { text, head: cell.tagName === 'TH', end: NUMBER.test(text), colSpan, rowSpan };
}

const cells = (row: Element): Element[] => [...row.children];

const rowOf = (row: Element): IFrameCell[] =>
  (cells(row).slice(0, COLUMNS) as HTMLTableCellElement[]).map(cellOf);

/** Names stand at the side at which the numbers below them do. */
function above(
  names: readonly IFrameCell[],
  rows: readonly (readonly IFrameCell[])[]
): readonly IFrameCell[] {
  const [first] = rows;
  const plain = names.every(({ colSpan }) => colSpan === 1) && first?.length === names.length;
  return plain ? names.map((cell, at) => ({ ...cell, end: first[at]?.end ?? false })) : names;
}

function frameOf(table: Element, note: string): IFrame {
  const all = [...table.querySelectorAll('tr')].filter(row => row.closest('table') === table);
  const head = all.filter(row => row.parentElement?.tagName === 'THEAD');
  const body = all.filter(row => row.parentElement?.tagName !== 'THEAD');
  const drawn = [...head.slice(0, ROWS), ...body.slice(0, ROWS)];
  const rows = body.slice(0, ROWS).map(rowOf);
  return {
    note,
    head: head.slice(0, ROWS).map(row => above(rowOf(row), rows)),
    body: rows,
    moreRows: Math.max(0, body.length - ROWS),
    moreColumns: Math.max(0, ...drawn.map(row => cells(row).length - COLUMNS))
  };
}

const lengthOf = (text: string): number => text.replace(/\s+/g, '').length;

/**
 * The tables in a cell's HTML output, read as data: its markup, styles, pictures and scripts are
 * not drawn. None when it holds none.
 */
export function framesOf(html: string): IFrames {
  if (html.length > LONGEST || !/<table/i.test(html)) {
    return NONE;
  }
  // A document that is parsed but not shown fetches nothing and runs nothing.
  const page = new DOMParser().parseFromString(html, 'text/html');
  page.querySelectorAll('style, script, template').forEach(node => node.remove());
  const tables = [...page.querySelectorAll('table')].filter(
    table => !table.parentElement?.closest('table')
  );
  const around = [...page.querySelectorAll('small, p, caption, h1, h2, h3, h4, h5, h6')].filter(
    node => !node.closest('tr')
  );
  const note = around.map(textOf).filter(Boolean).join(' · ');
  const shown = [...tables, ...around.filter(node => !node.closest('table'))];
  const shownLength = shown.reduce((sum, node) => sum + lengthOf(node.textContent), 0);
  return {
    frames: tables.slice(0, TABLES).map((table, index) => frameOf(table, index === 0 ? note : '')),
    more: Math.max(0, tables.length - TABLES),
    partial: shownLength < (1 - ASIDE) * lengthOf(page.body.textContent)
  };
}
