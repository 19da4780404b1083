import React from 'react';

import type { IInspection } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { suggestedName } from './names';
import { type IForm, isDatabase, isName, missingIn, type Mode } from './reading';

interface IFieldsProps {
  form: IForm;
  onChange: (change: Partial<IForm>) => void;
}

/** Where the rows come from: files, a folder, a pattern, objects of a store, a table. */
export function SourceField({ form, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { into, source } = form;
  const change = (text: string): void => {
    const isOwn = into !== '' && into !== suggestedName(source);
    onChange({
      source: text,
      ...(!isOwn && { into: text.trim() && suggestedName(text.trim()) }),
      ...(isDatabase(text) && form.mode === 'place' && { mode: 'append' })
    });
  };
  return (
    <div className={cx('bar')}>
      <Field
        label={trans.__('source')}
        value={source}
        width={460}
        focus
        placeholder="data/*.csv"
        onChange={change}
      />
      <span className={cx('quiet')}>
        {isDatabase(source) && !source.startsWith('sqlite')
          ? trans.__('The password is a reference: postgresql://ana:env:NAME@host/shop#orders')
          : trans.__(
              'a file, a folder, a pattern, s3://bucket/prefix, sqlite:///shop.db#orders, postgresql://…#table'
            )}
      </span>
    </div>
  );
}

interface ITargetProps extends IFieldsProps {
  files: readonly string[];
  /** What would be read; undefined while that is not known. */
  seen: IInspection | undefined;
}

/** Where the rows go, and what becomes of those that are there. */
export function Target({ files, form, seen, onChange }: ITargetProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [only] = files;
  const isFile = files.length === 1 && !isDatabase(only ?? '');
  const isTaken = form.mode === 'place' && Boolean(seen?.exists);
  const modes: { value: Mode; label: string }[] = [
    { value: 'append', label: trans.__('are added') },
    { value: 'replace', label: trans.__('replace those that are there') },
    { value: 'upsert', label: trans.__('take the place of those with their key') }
  ];
  if (isFile || form.mode === 'place') {
    modes.push({ value: 'place', label: trans.__('stay where they are, and are read there') });
  }
  return (
    <>
      <div className={cx('bar')}>
        <Field
          label={trans.__('dataset')}
          value={form.into}
          width={260}
          fault={
            form.into && !isName(form.into)
              ? trans.__('NAMESPACE.TABLE, of a to z, digits, _ and -')
              : isTaken
                ? trans.__('there is a table of this name: choose another')
                : undefined
          }
          onChange={into => onChange({ into })}
        />
        <Select
          label={trans.__('rows')}
          value={form.mode}
          options={modes}
          onChange={mode => onChange({ mode: mode as Mode })}
        />
        {seen && !isTaken && (
          <span className={cx('quiet')}>
            {form.mode === 'place'
              ? trans.__('a new name; nothing is copied')
              : seen.exists
                ? trans.__('the dataset is there')
                : trans.__('a new dataset')}
          </span>
        )}
      </div>
      <WhichRows files={files} form={form} seen={seen} onChange={onChange} />
    </>
  );
}

/** Which row is which, and which are new. */
function WhichRows({ files, form, seen, onChange }: ITargetProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const columns = seen?.columns ?? [];
  const options = columns.map(({ name }) => ({ value: name, label: name }));
  const isTable = files.some(isDatabase);
  const fault = (text: string): string | undefined => {
    const name = missingIn(text, columns);
    return name && trans.__('no column %1', name);
  };
  if (form.mode !== 'upsert' && !isTable) {
    return null;
  }
  return (
    <div className={cx('bar')}>
      {form.mode === 'upsert' && (
        <Field
          label={trans.__('key')}
          value={form.key}
          width={200}
          placeholder={trans.__('columns, such as id')}
          options={options}
          fault={fault(form.key)}
          onChange={key => onChange({ key })}
        />
      )}
      {isTable && (
        <Field
          label={trans.__('only rows with a later')}
          value={form.cursor}
          width={160}
          placeholder={trans.__('all rows')}
          options={options}
          fault={fault(form.cursor)}
          onChange={cursor => onChange({ cursor: cursor.trim() })}
        />
      )}
      {isTable && form.cursor && form.mode === 'upsert' && (
        <Field
          label={trans.__('look back')}
          value={form.lookback}
          width={80}
          placeholder="1h"
          onChange={lookback => onChange({ lookback: lookback.trim() })}
        />
      )}
    </div>
  );
}
