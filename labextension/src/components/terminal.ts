/**
 * What a terminal shows of what a program has written: a progress bar that rewrites its line is one
 * line, colours stay.
 *
 * A program's text comes in parts, which end anywhere. The newest lines can still be rewritten;
 * those above are final.
 */
export interface IScreen {
  /** The lines that became final with the last part, each with its line feed. */
  readonly done: string;
  /** Lines that are final by now: the number of the first open one. */
  readonly first: number;
  /** The newest lines, as text with colours. */
  readonly open: readonly string[];
  /** Where the next sign goes; rows are those of `open`. */
  readonly row: number;
  readonly column: number;
  /** The colours in force, as the codes that set them. */
  readonly ink: string;
  /** The beginning of a code that the next part completes. */
  readonly rest: string;
}

export const BLANK: IScreen = {
  done: '',
  first: 0,
  open: [''],
  row: 0,
  column: 0,
  ink: '',
  rest: ''
};

/** Lines that a program can go back to. Nested progress bars need as many as they are deep. */
const ROWS = 40;
/**
 * Codes of colours that are in force at once; those of a program that never resets them are
 * dropped, the oldest first.
 */
const INKS = 12;
/** Longer codes of colours are no colours of a program. */
const LONGEST_INK = 64;
/** Columns that a line is filled up to when a program writes far from its text. */
const COLUMNS = 500;
/**
 * Signs that a part may add to what it holds itself, as blanks and repeated colours: so many for
 * each of its own, and some more.
 */
const ADDED = { each: 8, more: 20_000 };

/* eslint-disable no-control-regex */
const RESET = '\u001b[0m';
const COLOUR = /\u001b\[[0-9;:]*m/g;
/**
 * A code as a whole: of colours, of the cursor, of a title or link, of a set of letters, or of two
 * signs.
 */
const CODE =
  /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]{1,4}[0-~]|[^[\]])/y;
/** The beginning of a code that the next part may complete. */
const UNFINISHED = /\u001b(?:\[[0-?]*[ -/]*|\][^\u0007\u001b\n]{0,2000}\u001b?|[ -/]{1,4})?$/;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
/* eslint-enable no-control-regex */

interface ISign {
  text: string;
  ink: string;
}

/** The state that a part is written into. */
interface ICursor {
  done: string[];
  first: number;
  /** A line is text until something is written over it. */
  open: (string | ISign[])[];
  row: number;
  column: number;
  ink: string;
  /** Signs that may still be added to those of the part. */
  budget: number;
}

/** Signs of a text: those beyond the basic ones are two units of a string each. */
const signs = (text: string): number => Array.from(text).length;

const withoutColours = (text: string): string => text.replace(COLOUR, '');

/** The colours in force after a code that sets some. */
function mixed(ink: string, code: string): string {
  const values = code.slice(2, -1);
  if (code.length > LONGEST_INK || !/^[0-9;:]*$/.test(values)) {
    return ink;
  }
  if (/^0*$/.test(values)) {
    return '';
  }
  const codes = /^0+;/.test(values) ? [code] : [...(ink.match(COLOUR) ?? []), code];
  return codes.slice(-INKS).join('');
}

const inkAfter = (ink: string, text: string): string =>
  (text.match(COLOUR) ?? []).reduce(mixed, ink);

/** The signs of a line, each with its colours. */
function signsOf(line: string): ISign[] {
  const signs: ISign[] = [];
  let ink = '';
  let at = 0;
  const take = (text: string): void => {
    for (const sign of text) {
      signs.push({ text: sign, ink });
    }
  };
  for (const found of line.matchAll(COLOUR)) {
    take(line.slice(at, found.index));
    ink = mixed(ink, found[0]);
    at = found.index + found[0].length;
  }
  take(line.slice(at));
  return signs;
}

function textOf(line: string | readonly ISign[]): string {
  if (typeof line === 'string') {
    return line;
  }
  let text = '';
  let ink = '';
  for (const sign of line) {
    if (sign.ink !== ink) {
      text += (ink && RESET) + sign.ink;
      ({ ink } = sign);
    }
    text += sign.text;
  }
  return text + (ink && RESET);
}

/** The line that the cursor is in, to be written over. */
function current(cursor: ICursor): ISign[] {
  const line = cursor.open[cursor.row] ?? '';
  if (typeof line !== 'string') {
    return line;
  }
  return (cursor.open[cursor.row] = signsOf(line));
}

/** A line that stays as it is; without its colours once the part has added too many of them. */
function final(cursor: ICursor, line: string): string {
  const plain = withoutColours(line);
  cursor.budget -= line.length - plain.length;
  return cursor.budget < 0 ? plain : line;
}

function goDown(cursor: ICursor): void {
  cursor.row += 1;
  if (cursor.row === cursor.open.length) {
    cursor.open.push('');
  }
  if (cursor.open.length > ROWS) {
    cursor.done.push(`${final(cursor, textOf(cursor.open.shift() ?? ''))}\n`);
    cursor.first += 1;
    cursor.row -= 1;
  }
}

function write(cursor: ICursor, text: string): void {
  const line = current(cursor);
  const gap = Math.min(cursor.column - line.length, Math.max(0, cursor.budget));
  if (gap > 0) {
    line.push(...Array.from({ length: gap }, () => ({ text: ' ', ink: '' })));
    cursor.budget -= gap;
  }
  cursor.column = Math.min(cursor.column, line.length);
  for (const sign of text) {
    line[cursor.column++] = { text: sign, ink: cursor.ink };
  }
}

function erase(cursor: ICursor, how: string): void {
  const line = current(cursor);
  if (how === '1') {
    line.fill({ text: ' ', ink: '' }, 0, cursor.column + 1);
  } else {
    line.length = how === '2' ? 0 : Math.min(line.length, cursor.column);
  }
}

/** The column that the cursor can go to. */
const widest = (cursor: ICursor): number => Math.max(COLUMNS, current(cursor).length);

/** Move the cursor or erase, as a code says; codes that a log has no use for are ignored. */
function applyCode(cursor: ICursor, values: string, verb: string): void {
  const count = Math.max(1, Number.parseInt(values, 10) || 1);
  switch (verb) {
    case 'A':
    case 'F':
      cursor.row = Math.max(0, cursor.row - count);
      break;
    case 'B':
    case 'E':
      cursor.row = Math.min(cursor.open.length - 1, cursor.row + count);
      break;
    case 'C':
      cursor.column = Math.min(cursor.column + count, widest(cursor));
      break;
    case 'D':
      cursor.column = Math.max(0, cursor.column - count);
      break;
    case 'G':
      cursor.column = Math.min(count - 1, widest(cursor));
      break;
    case 'K':
      erase(cursor, values);
      break;
    case 'J':
      if (values === '' || values === '0') {
        erase(cursor, '0');
        cursor.open.length = cursor.row + 1;
      }
      break;
  }
  if (verb === 'E' || verb === 'F') {
    cursor.column = 0;
  }
}

/** Write what holds more than text and colours. */
function act(cursor: ICursor, text: string): void {
  let at = 0;
  while (at < text.length) {
    const sign = text[at] ?? '';
    CODE.lastIndex = at;
    const [code, values = '', verb = ''] = CODE.exec(text) ?? [];
    if (code) {
      at += code.length;
      if (verb === 'm') {
        cursor.ink = mixed(cursor.ink, code);
      } else {
        applyCode(cursor, values, verb);
      }
    } else if (CONTROL.test(sign)) {
      at += 1;
      if (sign === '\r' || sign === '\b') {
        cursor.column = sign === '\r' ? 0 : Math.max(0, cursor.column - 1);
      }
    } else {
      const end = plainEnd(text, at);
      write(cursor, text.slice(at, end));
      at = end;
    }
  }
}

/** Where text without any control ends. */
function plainEnd(text: string, from: number): number {
  const rest = text.slice(from).search(CONTROL);
  return rest < 0 ? text.length : from + rest;
}

/**
 * Text that holds nothing but colours goes to the end of its line as it is: nearly all of a log.
 */
function put(cursor: ICursor, text: string): void {
  const line = cursor.open[cursor.row] ?? '';
  const plain = withoutColours(text);
  const atEnd = typeof line === 'string' && cursor.column === signs(withoutColours(line));
  if (!atEnd || CONTROL.test(plain)) {
    act(cursor, text);
    return;
  }
  const ink = inkAfter(cursor.ink, text);
  const coloured = cursor.ink !== '' || plain.length !== text.length;
  cursor.open[cursor.row] = line + (coloured ? cursor.ink + text + RESET : text);
  cursor.column += signs(plain);
  cursor.ink = ink;
}

/** The screen after another part of the text. */
export function typed(screen: IScreen, part: string): IScreen {
  const whole = screen.rest + part;
  const rest = UNFINISHED.exec(whole)?.[0] ?? '';
  const text = rest ? whole.slice(0, -rest.length) : whole;
  const { first, row, column, ink } = screen;
  const budget = ADDED.more + ADDED.each * whole.length;
  const cursor: ICursor = { done: [], first, open: [...screen.open], row, column, ink, budget };
  text.split('\n').forEach((line, index) => {
    if (index > 0) {
      goDown(cursor);
      cursor.column = 0;
    }
    // the line feed after it goes to the first column anyway
    const plain = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (plain) {
      put(cursor, plain);
    }
    if (plain !== line) {
      cursor.column = 0;
    }
  });
  return {
    done: cursor.done.join(''),
    first: cursor.first,
    open: cursor.open.map(textOf),
    row: cursor.row,
    column: cursor.column,
    ink: cursor.ink,
    rest
  };
}

/** A text as a terminal shows it in the end, with its colours. */
export function shown(text: string): string {
  const { done, open, rest } = typed(BLANK, text);
  return done + open.join('\n') + rest.replace(UNFINISHED, '');
}

/** A text as a terminal shows it in the end, without colours. */
export const plainly = (text: string): string => withoutColours(shown(text));
