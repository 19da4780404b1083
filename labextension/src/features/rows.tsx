import '../../style/features.css';

import React from 'react';

import type { IFeature } from '../api/types';
import { cx } from '../components/cx';
import type { IListRow } from '../components/list';
import { Num } from '../components/number';
import * as format from '../format';
import { formatRef } from '../refs';

export interface IBasketProps {
  picked: readonly string[];
  onPick: (refs: readonly string[]) => void;
}

/** A feature in a list, which can be picked. label: of its box, before its name. */
export function featureRow(
  { view, name, type, fill, description }: IFeature,
  { picked, onPick }: IBasketProps,
  label: string,
  within = ''
): IListRow {
  const ref = formatRef('feature', [view, name]);
  const chosen = picked.includes(ref);
  const change = (): void =>
    onPick(chosen ? picked.filter(other => other !== ref) : [...picked, ref]);
  return {
    id: `${within}${ref}`,
    ref,
    level: 1,
    lead: (
      <input
        type="checkbox"
        tabIndex={-1}
        aria-label={`${label} ${name}`}
        checked={chosen}
        onChange={change}
      />
    ),
    name,
    note: type,
    title: description || name,
    meta: fill && (
      <span className={cx('features-fill')}>
        <Num value={fill} format={value => format.percent(value, 0)} />
      </span>
    )
  };
}
