import type {
  IIngest,
  IInspection,
  IReadColumn,
  IReadDoubt,
  IReadFile,
  IReadingOptions,
  IRegister
} from '../api/types';
import { TABLES } from './tables';

/** The options of the reading that the dialog offers; '' leaves one to be guessed. */
export const OPTIONS = [
  'encoding',
  'separator',
  'header',
  'skip',
  'quote',
  'comment',
  'decimal',
  'thousands',
  'date_format',
  'null_values',
  'max_bad',
  'row_names',
  'sheet',
  'union',
  'rows'
] as const;
export type Option = (typeof OPTIONS)[number];

/** What becomes of the rows: they come into a dataset, or are read where they are. */
export type Mode = 'append' | 'replace' | 'upsert' | 'place';

/** What the dialog holds. */
export interface IForm {
  /** Where the rows come from, as it is typed; '' for the files that were chosen elsewhere. */
  readonly source: string;
  readonly into: string;
  readonly mode: Mode;
  /** The columns that tell which row is which, with commas between them. */
  readonly key: string;
  /** Of a table of a database. */
  readonly cursor: string;
  readonly lookback: string;
  /** Add files that are in the dataset already once more. */
  readonly again: boolean;
  /** The member of the archives that is meant; '' for all of them. */
  readonly member: string;
  readonly options: Readonly<Partial<Record<Option, string>>>;
  /** Types by column; a column without one is guessed. */
  readonly types: Readonly<Record<string, string>>;
}

export const emptyForm = (into: string): IForm => ({
  source: '',
  into,
  mode: 'append',
  key: '',
  cursor: '',
  lookback: '',
  again: false,
  member: '',
  options: {},
  types: {}
});

const NAME = /^[a-z_]\w*(-\w+)*(\.[a-z_]\w*(-\w+)*)+$/i;

/** Whether a text can be the name of a dataset. */
export const isName = (text: string): boolean => NAME.test(text);

/** A sign that cannot be typed or seen, by its word. */
export const signOf = (value: string): string =>
  ({ tab: '\t', space: ' ', none: '' })[value] ?? value;
export const wordOf = (sign: string): string =>
  ({ '\t': 'tab', ' ': 'space', '': 'none' })[sign] ?? sign;

const isYes = (text: string): boolean => text === 'yes';

/** How the text of a field is sent; the others are signs or words. */
const VALUES: Readonly<Partial<Record<Option, (text: string) => unknown>>> = {
  header: isYes,
  row_names: isYes,
  union: isYes,
  sheet: text => text,
  skip: Number,
  max_bad: text => Number(text) / 100,
  null_values: text => text.split(',').map(word => word.trim())
};

/** What the form says of the reading, as the server takes it. */
function readingOf(form: IForm): IReadingOptions {
  const values = OPTIONS.flatMap(name => {
    const text = form.options[name];
    return text ? [[name, (VALUES[name] ?? signOf)(text)]] : [];
  });
  const types = Object.fromEntries(Object.entries(form.types).filter(([, type]) => type));
  return {
    ...(Object.fromEntries(values) as IReadingOptions),
    ...(Object.keys(types).length > 0 && { types })
  };
}

/** Whether an address names a table of a database, or stands for one (`env:SHOP#orders`). */
export const isDatabase = (source: string): boolean =>
  /^(?!s3a?:)[a-z][\w+]*:\/\//i.test(source) || /^(env|keyring):.*#/.test(source);

/** Whether it is a folder, a prefix or a pattern, which may stand for several files. */
export const isSeveral = (source: string): boolean =>
  !isDatabase(source) && (/[*?[]/.test(source) || !TABLES.test(source));

/** The names in a text with commas between them. */
export const namesIn = (text: string): string[] =>
  text
    .split(',')
    .map(name => name.trim())
    .filter(Boolean);

const ARCHIVE = /\.zip$/i;

/** Whether a file is an archive, whose members are the files that are read. */
export const isArchive = (file: string): boolean => ARCHIVE.test(file);

/** The files as they are named to the server. */
const filesOf = (files: readonly string[], { member }: IForm): string[] =>
  files.map(file => (member && isArchive(file) ? `${file}!${member}` : file));

/** What is asked of the server, to look at the rows. */
export function questionOf(
  files: readonly string[],
  form: IForm
): IIngest & { readonly in_place?: boolean } {
  const { into, mode } = form;
  const place = mode === 'place';
  return {
    files: filesOf(files, form),
    ...(isName(into) && { into }),
    mode: place ? 'append' : mode,
    ...(place && { in_place: true }),
    ...readingOf(form)
  };
}

/** What is asked of the server, to bring the rows in. */
export function askOf(files: readonly string[], form: IForm): IIngest {
  const { cursor, into, key, lookback, mode } = form;
  const keys = namesIn(key);
  const isByCursor = cursor && files.some(isDatabase);
  return {
    files: filesOf(files, form),
    into,
    mode: mode === 'place' ? 'append' : mode,
    ...(mode === 'upsert' && { key: keys }),
    ...(form.again && { again: true }),
    ...(isByCursor && { cursor }),
    ...(isByCursor && lookback && mode === 'upsert' && { lookback }),
    ...readingOf(form)
  };
}

/** What is asked of the server, to read the rows where they are. */
export const registerOf = ([path = '']: readonly string[], form: IForm): IRegister => ({
  path,
  name: form.into,
  ...readingOf(form)
});

/** What is wrong with the columns that a form names; undefined where nothing is. */
export function missingIn(text: string, columns: readonly IReadColumn[]): string | undefined {
  const known = new Set(columns.map(({ name }) => name));
  return known.size ? namesIn(text).find(name => !known.has(name)) : undefined;
}

/** Doubts that the preview can settle: what is seen there is what will be sent. */
const SEEN = ['encoding', 'skip', 'header'] as const;

/** The files that the options are about. */
export const csvOf = (files: readonly IReadFile[]): IReadFile[] =>
  files.filter(({ kind }) => kind === 'csv');

/**
 * What settles a doubt: the value that all CSV files were read with, since an option counts for all
 * of them. Null where they differ, where one was not looked at, or where the preview does not show
 * it.
 */
function seenOf({ option }: IReadDoubt, files: readonly IReadFile[]): string | null {
  const name = SEEN.find(one => one === option);
  const values = name ? new Set(csvOf(files).map(file => file[name])) : new Set<null>();
  const [value = null] = values;
  if (value === null || values.size > 1) {
    return null;
  }
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/**
 * The form with the guesses that were in doubt said as they are shown, so that nothing else is read
 * than what was seen.
 */
export function settled(form: IForm, { doubts, files }: IInspection): IForm {
  const options: Partial<Record<Option, string>> = { ...form.options };
  for (const doubt of doubts.filter(({ stops }) => stops)) {
    const name = doubt.option as Option;
    const value = seenOf(doubt, files);
    if (value !== null && !options[name]) {
      options[name] = value;
    }
  }
  return { ...form, options };
}

/** Doubts that the user has to settle by an option. */
export const unsettled = ({ doubts, files }: Pick<IInspection, 'doubts' | 'files'>): IReadDoubt[] =>
  doubts.filter(doubt => doubt.stops && seenOf(doubt, files) === null);

/** Whether all files are in the dataset already, and would be skipped. */
export const isThere = ({ files }: IInspection, form: IForm): boolean =>
  form.mode === 'append' && !form.again && files.every(file => file.snapshot !== null);

/** How the values of a column are spelled, where that is not the usual way. */
export const spelled = ({ decimal, thousands, date_format: dates }: IReadColumn): string =>
  dates || (decimal === '.' && !thousands ? '' : `1${thousands}234${decimal}5`);
