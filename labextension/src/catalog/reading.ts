import type { IIngest, IInspection, IReadColumn, IReadDoubt, IReadFile } from '../api/types';

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
  'union'
] as const;
export type Option = (typeof OPTIONS)[number];

/** What the dialog holds. */
export interface IForm {
  readonly into: string;
  readonly mode: 'append' | 'replace';
  /** Add files that are in the dataset already once more. */
  readonly again: boolean;
  /** The member of the archives that is meant; '' for all of them. */
  readonly member: string;
  readonly options: Readonly<Partial<Record<Option, string>>>;
  /** Types by column; a column without one is guessed. */
  readonly types: Readonly<Record<string, string>>;
}

export const emptyForm = (into: string): IForm => ({
  into,
  mode: 'append',
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
function readingOf(options: IForm['options']): Partial<IIngest> {
  const values = OPTIONS.flatMap(name => {
    const text = options[name];
    return text ? [[name, (VALUES[name] ?? signOf)(text)]] : [];
  });
  return Object.fromEntries(values) as Partial<IIngest>;
}

const ARCHIVE = /\.zip$/i;

/** Whether a file is an archive, whose members are the files that are read. */
export const isArchive = (file: string): boolean => ARCHIVE.test(file);

/** What is asked of the server, to look at the files or to ingest them. */
export function askOf(files: readonly string[], form: IForm): IIngest {
  const types = Object.fromEntries(Object.entries(form.types).filter(([, type]) => type));
  const { member } = form;
  return {
    files: files.map(file => (member && isArchive(file) ? `${file}!${member}` : file)),
    into: form.into,
    mode: form.mode,
    ...(form.again && { again: true }),
    ...readingOf(form.options),
    ...(Object.keys(types).length > 0 && { types })
  };
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
