/** Numbers, sizes and times as the workbench writes them; the language is that of the page. */

const language = (): string | undefined => document.documentElement.lang || undefined;

export const DASH = '–';

function numeric(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A hyphen is no minus. */
const minus = (text: string): string => text.replace(/^-/, '−');

/** What JSON has no number for, in the words of the server. */
const NOT_FINITE: Record<string, string> = { NaN: 'NaN', Infinity: '∞', '-Infinity': '−∞' };

/** What is no number: a dash for nothing, a text as it is. */
function other(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number') {
    return DASH;
  }
  return typeof value === 'string' ? (NOT_FINITE[value] ?? value) : JSON.stringify(value);
}

/** A number of the server, which writes NaN and the infinities as words. */
export const real = (value: number | string | undefined): number => Number(value);

/** A number of at most so many decimals. */
const decimal = (value: number, maximumFractionDigits: number): string =>
  minus(value.toLocaleString(language(), { maximumFractionDigits }));

/**
 * The number in the first unit in which it is below 1,000 also after rounding: 999600 is `1M`, and
 * not `1,000k`.
 */
function scaled(
  value: number,
  units: readonly string[],
  decimals: (scaled: number, unit: number) => number
): string {
  let unit = 0;
  let size = value;
  let places = decimals(size, unit);
  while (Math.abs(Number(size.toFixed(places))) >= 1000 && unit < units.length - 1) {
    unit += 1;
    size /= 1000;
    places = decimals(size, unit);
  }
  return `${decimal(size, places)}${units[unit] ?? ''}`;
}

/** 336776 → `337k`, 10000000 → `10M`: for rows of a list. */
export function compact(value: unknown): string {
  if (!numeric(value)) {
    return other(value);
  }
  if (Math.abs(value) < 1000) {
    return number(value);
  }
  return scaled(value, ['', 'k', 'M', 'G'], size => (Math.abs(size) < 9.95 ? 1 : 0));
}

/** Whole numbers in full, others to `digits` significant figures. */
export function number(value: unknown, digits = 4): string {
  if (!numeric(value)) {
    return other(value);
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return minus(value.toLocaleString(language()));
  }
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-5) {
    return minus(value.toExponential(digits - 1));
  }
  return minus(
    value.toLocaleString(language(), {
      maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(size + 1)))
    })
  );
}

/** A value of a column: a whole number without separators, since many are years or ids. */
export const datum = (value: unknown, digits?: number): string =>
  Number.isSafeInteger(value) ? minus(String(value)) : number(value, digits);

/**
 * Numbers that stand beside or below each other, with one number of decimals; what is no number
 * stays a text.
 */
export function alike(values: readonly unknown[], digits = 4): string[] {
  const broken = values.filter(numeric).filter(value => !Number.isInteger(value));
  const sizes = broken.map(Math.abs);
  if (!broken.length || Math.min(...sizes) < 1e-5 || Math.max(...sizes) >= 1e15) {
    return values.map(value => number(value, digits));
  }
  const needed = sizes.map(size => digits - 1 - Math.floor(Math.log10(size)));
  const decimals = Math.min(6, Math.max(0, ...needed));
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return values.map(value =>
    numeric(value) ? minus(value.toLocaleString(language(), options)) : other(value)
  );
}

/**
 * 0.0245 → `2.45 %`. What is not nothing, or not all, is not written as such: `< 0.01 %`, `> 99.99
 * %`.
 */
export function percent(fraction: unknown, digits = 2): string {
  if (!numeric(fraction)) {
    return DASH;
  }
  const least = 10 ** -digits;
  const rounded = Number((fraction * 100).toFixed(digits));
  const write = (value: number): string => `${decimal(value, digits)} %`;
  if (rounded === 0 && fraction > 0) {
    return `< ${write(least)}`;
  }
  return rounded === 100 && fraction < 1 ? `> ${write(100 - least)}` : write(fraction * 100);
}

/** 5400000 → `5.4 MB`. */
export function bytes(value: unknown): string {
  if (!numeric(value)) {
    return DASH;
  }
  return scaled(value, [' B', ' kB', ' MB', ' GB', ' TB'], (_, unit) => (unit ? 1 : 0));
}

const YEAR = 31_557_600;
const UNITS: readonly [size: number, symbol: string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's']
];

/**
 * 1440 → `24 min`, 777600 → `9 d`: one unit, rounded down. The symbols are those of the SI, the
 * same in every language.
 */
export function span(seconds: number): string {
  if (seconds >= 2 * YEAR) {
    return `${Math.floor(seconds / YEAR).toLocaleString(language())} y`;
  }
  const [size, symbol] = UNITS.find(([length]) => seconds >= length) ?? [1, 's'];
  return `${Math.floor(Math.max(0, seconds) / size).toLocaleString(language())} ${symbol}`;
}

/** A duration: `0.42 s`, `18 s`, `12:04`, `1:02:30`. */
export function duration(seconds: unknown): string {
  if (!numeric(seconds)) {
    return DASH;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${number(seconds < 10 ? Number(seconds.toPrecision(2)) : whole)} s`;
  }
  const pad = (part: number): string => String(part).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Seconds since a moment. */
export const secondsSince = (moment: string, now = Date.now()): number =>
  (now - Date.parse(moment)) / 1000;

/** `11:40` on the same day, `11-18 16:20` within the year, else with the year. */
export function time(moment: string | null, now = new Date()): string {
  if (!moment) {
    return DASH;
  }
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) {
    return moment;
  }
  return isSameDay(date, now) ? clockOf(date) : dated(date, now);
}

/**
 * Both ends of a span of time: the day of the second is said only where it is another one than that
 * of the first, which may be yesterday.
 */
export function ends(
  start: string | null,
  end: string | null,
  now = new Date()
): [start: string, end: string] {
  const [from, to] = [new Date(start ?? ''), new Date(end ?? '')];
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) {
    return [time(start, now), time(end, now)];
  }
  return [time(start, now), isSameDay(from, to) ? clockOf(to) : dated(to, now)];
}

const isSameDay = (one: Date, other: Date): boolean => one.toDateString() === other.toDateString();

const two = (part: number): string => String(part).padStart(2, '0');

const clockOf = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}`;

function dated(date: Date, now: Date): string {
  const year = date.getFullYear() === now.getFullYear() ? '' : `${date.getFullYear()}-`;
  return `${year}${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockOf(date)}`;
}

/** The day of a moment: `2013-12-31`, in the user's zone. */
export function day(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) {
    return moment;
  }
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::[\d.]*)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A text value of a column: moments without their letters, to the minute and with their zone, other
 * texts as they are.
 */
export const plain = (value: string): string => {
  const [, date, clock, zone] = MOMENT.exec(value) ?? [];
  if (!date) {
    return value;
  }
  const words = zone && (/^(Z|[+-]00:?00)$/.test(zone) ? 'UTC' : zone);
  return [date, clock, words].filter(Boolean).join(' ');
};

/** A labelled value that is no number: one that is not finite, a moment or a text. */
export const unusual = (value: string): string => NOT_FINITE[value] ?? plain(value);

/** A logged text, with a long fraction cut to what tells settings apart. */
export const setting = (value: string): string =>
  /^-?\d+\.\d{7,}$/.test(value) ? number(Number(value), 6) : value;

const TURNING = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A text that goes on to others: right-to-left words in it do not turn what follows them. */
export const isolated = (text: string): string =>
  TURNING.test(text) ? `\u2068${text.replaceAll('\u2069', '')}\u2069` : text;

/** Any value of a table cell as text. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) {
    return '∅';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The first eight characters of an id: enough to tell runs and jobs apart. */
export const shortId = (id: string): string => (id.length > 10 ? id.slice(0, 8) : id);
