import React, { useId } from 'react';

import { cx } from './cx';

interface IFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  width?: number;
  type?: 'text' | 'number' | 'date' | 'time' | 'datetime-local';
  min?: number;
  max?: number;
  step?: number | 'any';
  placeholder?: string;
  /** What is wrong with the value. */
  fault?: string;
  /** A word after the input, or a switch that belongs to it. */
  unit?: React.ReactNode;
  /** What may be chosen beside what is typed. */
  options?: readonly { value: string; label: string }[];
  /** Takes the focus when it appears. */
  focus?: boolean;
}

/** A labelled input of one line. */
export function Field({
  label,
  value,
  onChange,
  width = 120,
  fault,
  unit,
  focus,
  type = 'text',
  options,
  ...input
}: IFieldProps): React.ReactElement {
  const id = useId();
  return (
    <span className={cx('field')}>
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        autoFocus={focus}
        className={cx('input')}
        type={type}
        value={value}
        style={{ width }}
        spellCheck={false}
        list={options && `${id}-options`}
        aria-invalid={Boolean(fault)}
        aria-errormessage={fault ? `${id}-fault` : undefined}
        onChange={event => onChange(event.target.value)}
      />
      {options && (
        <datalist id={`${id}-options`}>
          {options.map(option => (
            <option key={option.value} value={option.value} label={option.label} />
          ))}
        </datalist>
      )}
      {unit && <span className={cx('quiet')}>{unit}</span>}
      {fault && (
        <span id={`${id}-fault`} className={cx('tone-bad')}>
          {fault}
        </span>
      )}
    </span>
  );
}
