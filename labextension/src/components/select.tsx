import React, { useId } from 'react';

import { cx } from './cx';

interface ISelectProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
  /** The label is read aloud, not drawn. */
  bare?: boolean;
  /** It takes the focus when it appears. */
  focus?: boolean;
  /** What is wrong with the value. */
  fault?: string;
}

/** A labelled choice of one. */
export function Select({ label, value, options, onChange, bare, focus, fault }: ISelectProps): React.ReactElement {
  const id = useId();
  const select = (
    <select
      id={id}
      autoFocus={focus}
      className={cx('input')}
      value={value}
      aria-label={bare ? label : undefined}
      aria-invalid={Boolean(fault)}
      onChange={event => onChange(event.target.value)}
    >
      {options.map(option => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
  if (bare) {
    return select;
  }
  return (
    <span className={cx('field')}>
      <label htmlFor={id}>{label}</label>
      {select}
      {fault && <span className={cx('tone-bad')}>{fault}</span>}
    </span>
  );
}
