import { HTMLSelect } from '@jupyterlab/ui-components';
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
  width?: number;
  /** A word after the choice, or a switch that belongs to it. */
  unit?: React.ReactNode;
}

/** Words to choose from, each its own label; a value that is none of them can stay. */
export const choices = (
  words: readonly string[],
  value: string
): { value: string; label: string }[] =>
  [...new Set([...words, value])].map(word => ({ value: word, label: word }));

/** A labelled choice of one. */
export function Select({
  label,
  value,
  options,
  onChange,
  bare,
  focus,
  fault,
  width,
  unit
}: ISelectProps): React.ReactElement {
  const id = useId();
  const select = (
    <HTMLSelect
      id={id}
      autoFocus={focus}
      className={cx('select')}
      style={{ width }}
      value={value}
      aria-label={bare ? label : undefined}
      aria-invalid={Boolean(fault)}
      options={[...options]}
      onChange={event => onChange(event.target.value)}
    />
  );
  if (bare) {
    return select;
  }
  return (
    <span className={cx('field')}>
      <label htmlFor={id}>{label}</label>
      {select}
      {unit && <span className={cx('quiet')}>{unit}</span>}
      {fault && <span className={cx('tone-bad')}>{fault}</span>}
    </span>
  );
}
