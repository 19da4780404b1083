import '../../style/catalog.css';

import React, { useEffect, useState } from 'react';

import type { IIngest, IInspection, IReadColumn } from '../api/types';
import { prose, Result } from '../components/card';
import { cx } from '../components/cx';
import { Select } from '../components/select';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import type { IWorkbench } from '../tokens';
import { DryRun } from './dryrun';
import { askForm } from './formdialog';
import {
  askOf,
  csvOf,
  type IForm,
  isDatabase,
  isName,
  isThere,
  missingIn,
  namesIn,
  questionOf,
  settled,
  spelled,
  unsettled
} from './reading';
import { PartFields, ReadingFields } from './readingFields';
import { SourceField, Target } from './target';

const WAIT = 300;
const TYPES = ['str', 'i64', 'f64', 'dec[18,2]', 'bool', 'date', 'time', 'ts[us]', 'ts[us, tz]'];

interface IBodyProps {
  /** Those that were chosen elsewhere; without any the source is typed. */
  files: readonly string[];
  start: IForm;
  /** The form as it would be sent; null while it cannot be. */
  onReady: (form: IForm | null) => void;
}

function titleOf(files: readonly string[], into: string, { trans }: IWorkbench): string {
  if (into) {
    return trans.__('Ingest into %1', into);
  }
  return files.length
    ? trans._n('Register %1 File as a Dataset', 'Register %1 Files as a Dataset', files.length)
    : trans.__('Register Data as a Dataset');
}

/**
 * Show what would be read of the files, and let the reading be changed; null where the user goes
 * away. into: the dataset that is meant to get the rows, if one is.
 */
export async function askHow(
  workbench: IWorkbench,
  files: readonly string[],
  start: IForm,
  into = ''
): Promise<IForm | null> {
  const { trans } = workbench;
  return askForm<IForm>(workbench, {
    title: titleOf(files, into, workbench),
    accept: into ? trans.__('Ingest') : trans.__('Register'),
    form: onReady => <Register files={files} start={start} onReady={onReady} />
  });
}

/** Whether the form itself is whole: a name, and columns that are there. */
function isWhole(form: IForm, seen: IInspection): boolean {
  const isKeyed = form.mode !== 'upsert' || namesIn(form.key).length > 0;
  const columns = [form.mode === 'upsert' ? form.key : '', form.cursor].filter(Boolean);
  const isFree = form.mode !== 'place' || !seen.exists;
  return (
    isName(form.into) &&
    isKeyed &&
    isFree &&
    columns.every(text => missingIn(text, seen.columns) === undefined)
  );
}

/** The form over the table of what would be read. */
export function Register({ files, start, onReady }: IBodyProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [form, setForm] = useState(start);
  const named = files.length ? files : [form.source.trim()].filter(Boolean);
  const question = JSON.stringify(questionOf(named, { ...form, again: false }));
  const asked = useSettled(question, WAIT);
  const wanted = JSON.parse(asked) as IIngest;
  const query = useQuery<IInspection>(
    `inspect:${asked}`,
    signal => client.catalog.inspect(wanted, signal),
    {
      every: () => null,
      list: 'inspect',
      when: wanted.files.length > 0
    }
  );
  const { data, error, borrowed } = query;
  const good = data && !error && !borrowed && asked === question && !data.refused;
  const ready =
    good && isWhole(form, data) && !unsettled(data).length && !isThere(data, form)
      ? settled(form, data)
      : null;
  const key = ready && JSON.stringify(ready);
  const [csv] = csvOf(data?.files ?? []);
  useEffect(() => {
    onReady(ready);
    // The key stands for what is ready.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  const change = (next: Partial<IForm>): void => setForm({ ...form, ...next });
  const isTable = named.some(isDatabase);
  const isTried = form.mode !== 'place';
  return (
    <>
      {!files.length && <SourceField form={form} onChange={change} />}
      <Target files={named} form={form} seen={data} onChange={change} />
      <PartFields files={named} seen={data} form={form} onChange={change} />
      {((!data && named.length > 0 && !isTable) || csv) && (
        <ReadingFields
          form={form}
          file={csv}
          columns={data?.columns ?? []}
          onChange={options => change({ options })}
        />
      )}
      {named.length > 0 ? (
        <Result query={query} rows={8}>
          {found => <Seen seen={found} form={form} onChange={change} />}
        </Result>
      ) : (
        <p className={cx('more')}>
          {trans.__('Columns, types and first rows appear here, before anything is written.')}
        </p>
      )}
      {isTried && data && <DryRun asked={ready && askOf(named, ready)} />}
    </>
  );
}

interface ISeenProps {
  seen: IInspection;
  form: IForm;
  onChange: (change: Partial<IForm>) => void;
}

function Seen({ seen, form, onChange }: ISeenProps): React.ReactElement {
  return (
    <>
      <Remarks seen={seen} form={form} onChange={onChange} />
      <Rows seen={seen} form={form} onChange={onChange} />
      <Counted seen={seen} />
    </>
  );
}

/** What stands in the way, and what could be otherwise. */
function Remarks({ seen, form, onChange }: ISeenProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const there = seen.files.filter(file => file.snapshot !== null);
  const again = form.mode === 'append' && there.length > 0;
  const open = unsettled(seen);
  if (!seen.refused && !seen.doubts.length && !seen.notes.length && !again) {
    return null;
  }
  return (
    <ul className={cx('catalog-remarks')} aria-label={trans.__('Please check')}>
      {seen.refused && (
        <li role="alert" className={cx('tone-bad')}>
          {prose(seen.refused)}
        </li>
      )}
      {again && (
        <li>
          {trans._n(
            '%2 is in the dataset already (snapshot %3).',
            '%1 of the files are in the dataset already, such as %2 (snapshot %3).',
            there.length,
            there[0]?.path,
            there[0]?.snapshot
          )}{' '}
          <label>
            <input
              type="checkbox"
              checked={form.again}
              onChange={event => onChange({ again: event.target.checked })}
            />{' '}
            {trans.__('add the rows once more')}
          </label>
        </li>
      )}
      {seen.doubts.map(doubt => (
        <li key={doubt.what} className={cx(doubt.stops && 'tone-wait')}>
          {doubt.what}{' '}
          {doubt.stops && !open.includes(doubt)
            ? trans.__('It is read as it is shown here.')
            : prose(doubt.fix)}
          {open.includes(doubt) && csvOf(seen.files).length > 1 && (
            <> {trans.__('An option applies to all files. Read files that differ one by one.')}</>
          )}
        </li>
      ))}
      {seen.notes.map(note => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

/** The first rows, under the names and types of the columns. */
function Rows({ seen, form, onChange }: ISeenProps): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = Array.from({ length: seen.shown }, (_, index) => index);
  const columns = seen.columns.map((column, place): IColumnSpec<number> => ({
    key: column.name,
    head: (
      <Head
        column={column}
        type={form.types[column.name] ?? ''}
        isTable={seen.files[0]?.kind === 'table' && !column.in_dataset}
        onType={type => onChange({ types: { ...form.types, [column.name]: type } })}
      />
    ),
    end: /^(u?i|f)\d/.test(column.type),
    cell: row => <span className={cx('cell')}>{format.cell(seen.data[place]?.[row])}</span>
  }));
  return (
    <div className={cx('catalog-register-rows')}>
      <Table
        label={trans.__('What would be read')}
        columns={columns}
        rows={rows}
        row={row => ({ id: String(row) })}
      />
    </div>
  );
}

interface IHeadProps {
  column: IReadColumn;
  type: string;
  /** Whether it is of a table of a database, whose own type may be overridden. */
  isTable: boolean;
  onType: (type: string) => void;
}

function Head({ column, type, isTable, onType }: IHeadProps): React.ReactElement {
  const { trans } = useWorkbench();
  const own = type || column.guessed || isTable;
  const first = column.guessed ? trans.__('%1 (guessed)', column.type) : column.type;
  const guess = {
    value: '',
    label: type ? (isTable ? trans.__('as in the table') : trans.__('guess')) : first
  };
  return (
    <span className={cx('catalog-register-head')}>
      {column.name}
      {own ? (
        <Select
          bare
          label={trans.__('type of %1', column.name)}
          value={type}
          options={[guess, ...TYPES.map(word => ({ value: word, label: word }))]}
          onChange={onType}
        />
      ) : (
        <span className={cx('quiet')}>{column.type}</span>
      )}
      <span className={cx('quiet')}>{spelled(column)}</span>
    </span>
  );
}

function Counted({ seen }: { seen: IInspection }): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = format.number(seen.rows);
  return (
    <>
      <p className={cx('more')}>
        {seen.whole
          ? trans.__('All %1 rows were looked at.', rows)
          : seen.columns.some(({ guessed }) => guessed)
            ? trans.__(
                'The types are guessed from the first %1 rows; when the files are read, all rows decide.',
                rows
              )
            : trans.__('The first %1 rows were looked at.', rows)}{' '}
        {seen.bad > seen.broken.length &&
          trans._n('%1 row does not fit.', '%1 rows do not fit, the first:', seen.bad)}
        {seen.bad > 0 &&
          seen.bad === seen.broken.length &&
          trans._n('%1 row does not fit:', '%1 rows do not fit:', seen.bad)}
      </p>
      {seen.broken.length > 0 && (
        <ul className={cx('catalog-remarks')} aria-label={trans.__('Rows that do not fit')}>
          {seen.broken.map(row => (
            <li key={`${row.file}:${row.line}`}>
              {trans.__('line %1 of %2: %3', format.number(row.line), row.file, row.reason)}{' '}
              <code>{row.text}</code>
            </li>
          ))}
        </ul>
      )}
      {seen.bad > 0 && !seen.refused && (
        <p className={cx('more')}>
          {trans.__('Such rows are set aside, and the others are written.')}
        </p>
      )}
    </>
  );
}
