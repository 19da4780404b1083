import '../../style/catalog.css';

import React from 'react';

import type { IInspection, IReadColumn, IReadFile } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { type IForm, isArchive, isSeveral, type Option, wordOf } from './reading';

const ENCODINGS = [
  'utf-8',
  'cp1252',
  'latin-1',
  'cp1250',
  'cp1251',
  'utf-16',
  'shift_jis',
  'gb18030'
];
const DATES = ['%d.%m.%Y', '%d/%m/%Y', '%m/%d/%Y', '%d-%m-%Y', '%Y/%m/%d', '%d.%m.%y'];

interface IPartFieldsProps {
  files: readonly string[];
  /** What would be read; undefined while that is not known. */
  seen: IInspection | undefined;
  form: IForm;
  onChange: (change: Partial<IForm>) => void;
}

/**
 * Which part of the files is read: a member of an archive, a sheet, a list within an object, columns
 * that not all have.
 */
export function PartFields({
  files,
  seen,
  form,
  onChange
}: IPartFieldsProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const { options, member } = form;
  const archives = files.filter(isArchive);
  const [sheets = []] = (seen?.files ?? []).map(file => file.sheets).filter(names => names.length);
  const isMany = files.length > 1 || archives.length > 0 || files.some(isSeveral);
  const several = isMany || Boolean(seen?.exists) || Boolean(options.union);
  const change = (name: Option, value: string): void =>
    onChange({ options: { ...options, [name]: value } });
  const isJson = (seen?.files ?? []).some(({ kind }) => kind === 'json');
  if (!archives.length && !sheets.length && !several && !isJson) {
    return null;
  }
  const members = (seen?.files ?? []).flatMap(({ path }) => path.split('.zip!').slice(1));
  return (
    <div className={cx('bar')}>
      {archives.length > 0 && (
        <Field
          label={trans.__('member of the archive')}
          width={220}
          value={member}
          placeholder={trans.__('all')}
          options={members.map(value => ({ value, label: value }))}
          onChange={value => onChange({ member: value.trim() })}
        />
      )}
      {(sheets.length > 1 || options.sheet) && (
        <Select
          label={trans.__('sheet')}
          value={options.sheet ?? ''}
          options={[
            { value: '', label: trans.__('%1 (the first)', sheets[0] ?? '') },
            ...sheets.slice(1).map(value => ({ value, label: value }))
          ]}
          onChange={value => change('sheet', value)}
        />
      )}
      {isJson && (
        <Field
          label={trans.__('rows are in the list')}
          width={160}
          value={options.rows ?? ''}
          placeholder={trans.__('each object is one')}
          onChange={value => change('rows', value.trim())}
        />
      )}
      {several && (
        <Select
          label={trans.__('columns that are not everywhere')}
          value={options.union ?? ''}
          options={[
            { value: '', label: trans.__('are an error') },
            { value: 'yes', label: trans.__('are empty where they are missing') }
          ]}
          onChange={value => change('union', value)}
        />
      )}
    </div>
  );
}

interface IReadingFieldsProps {
  form: IForm;
  /** The first file as it was looked at. */
  file: IReadFile | undefined;
  columns: readonly IReadColumn[];
  onChange: (options: IForm['options']) => void;
}

/** How a CSV is read: each option as it was guessed, until another one is chosen. */
export function ReadingFields({
  form,
  file,
  columns,
  onChange
}: IReadingFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const change = (name: Option, value: string): void =>
    onChange({ ...form.options, [name]: value });
  const words: Readonly<Record<string, string>> = {
    yes: trans.__('yes'),
    no: trans.__('no'),
    tab: trans.__('tab'),
    space: trans.__('space'),
    none: trans.__('none')
  };
  const labelOf = (value: string): string => words[value] ?? value;
  const guess = guesses(file, columns);
  const choice = (name: Option, label: string, values: readonly string[]): React.ReactElement => {
    const guessed = labelOf(guess[name] ?? '');
    const first = guessed ? trans.__('%1 (guessed)', guessed) : trans.__('guess');
    return (
      <Select
        label={label}
        value={form.options[name] ?? ''}
        options={[
          { value: '', label: first },
          ...values.map(value => ({ value, label: labelOf(value) }))
        ]}
        onChange={value => change(name, value)}
      />
    );
  };
  const text = (
    name: Option,
    label: string,
    width: number,
    values?: readonly string[]
  ): React.ReactElement => (
    <Field
      label={label}
      width={width}
      value={form.options[name] ?? ''}
      placeholder={guess[name]}
      options={values?.map(value => ({ value, label: value }))}
      onChange={value => change(name, value)}
    />
  );
  return (
    <fieldset className={cx('catalog-register-fields')} aria-label={trans.__('How it is read')}>
      {text('encoding', trans.__('encoding'), 90, ENCODINGS)}
      {choice('separator', trans.__('separator'), [',', ';', 'tab', '|', 'space'])}
      {choice('header', trans.__('header'), ['yes', 'no'])}
      <Field
        label={trans.__('lines to skip')}
        type="number"
        min={0}
        max={10000}
        width={64}
        value={form.options.skip ?? ''}
        placeholder={guess.skip}
        onChange={value => change('skip', value)}
      />
      {choice('row_names', trans.__('unnamed first field'), ['yes'])}
      {choice('quote', trans.__('quote'), ['"', "'", 'none'])}
      {choice('comment', trans.__('comment'), ['#', '//', '%', 'none'])}
      {choice('decimal', trans.__('decimal mark'), ['.', ','])}
      {choice('thousands', trans.__('thousands mark'), ['.', ',', "'", 'space', 'none'])}
      {text('date_format', trans.__('dates'), 110, DATES)}
      {text('null_values', trans.__('missing values'), 110)}
      <Field
        label={trans.__('rows that may not fit')}
        type="number"
        min={0}
        max={100}
        width={64}
        unit="%"
        value={form.options.max_bad ?? ''}
        placeholder="10"
        onChange={value => change('max_bad', value)}
      />
    </fieldset>
  );
}

/** What was found out, as the fields show it. */
function guesses(
  file: IReadFile | undefined,
  columns: readonly IReadColumn[]
): Partial<Record<Option, string>> {
  if (!file) {
    return {};
  }
  const numbers = columns.filter(column => column.decimal !== '.' || column.thousands !== '');
  const [first] = numbers.length ? numbers : columns.filter(column => /^[if]\d/.test(column.type));
  return {
    encoding: file.encoding ?? '',
    separator: wordOf(file.separator ?? ','),
    header: file.header === false ? 'no' : 'yes',
    row_names: 'no',
    skip: String(file.skip ?? 0),
    quote: wordOf(file.quote ?? '"'),
    comment: wordOf(file.comment ?? ''),
    decimal: first?.decimal,
    thousands: first && wordOf(first.thousands),
    date_format: columns.find(column => column.date_format)?.date_format ?? 'ISO 8601'
  };
}
