import '../../style/mime.css';

import React, { useState } from 'react';

import { Button } from '../components/button';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { RefLink } from '../components/reflink';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IShown, rowColumns, shownRows, type Words } from './rows';

/** What Python says of a list to pick from. */
export interface IPickState {
  /** What it lists, in the plural: `runs`. */
  title: string;
  rows: readonly Words[];
  /** The object of each row; empty where it has no page. */
  refs: readonly string[];
  /** Places of the rows that are picked. */
  picked: readonly number[];
  total: number;
  _more: boolean;
  /** Why the next page could not be loaded. */
  fault: string;
}

interface IPickProps {
  state: IPickState;
  onPick: (picked: number[]) => void;
  onMore: () => void;
}

const has = ({ values }: IShown, words: readonly string[]): boolean => {
  const text = Object.values(values).join('  ').toLowerCase();
  return words.every(word => text.includes(word));
};

/**
 * The table of a list as in the panels, to pick from by hand: a click or Space picks, the name
 * opens the page.
 */
export default function Pick({ state, onPick, onMore }: IPickProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [query, setQuery] = useState('');
  const { title, refs, picked, total, _more: more, fault } = state;
  const all = shownRows(state.rows);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter(row => has(row, words));
  const pick = (ids: ReadonlySet<string>): void =>
    onPick([...ids].map(Number).sort((a, b) => a - b));
  const selection = new Set(picked.map(String));
  const toggle = (id: string): void =>
    pick(
      new Set(selection.has(id) ? [...selection].filter(one => one !== id) : [...selection, id])
    );
  return (
    <>
      <div className={cx('mime-live-head')}>
        <b>{title}</b>
        <input
          type="search"
          className={cx('input')}
          placeholder={trans.__('Search what is loaded')}
          aria-label={trans.__('Search in %1', title)}
          value={query}
          onChange={event => setQuery(event.target.value)}
        />
        <span className={cx('quiet')} role="status">
          {trans.__('%1 of %2', format.number(rows.length), format.number(total))}
          {' · '}
          {trans.__('%1 picked', format.number(picked.length))}
        </span>
        <span className={cx('space')} />
        {picked.length > 0 && (
          <Button kind="quiet" label={trans.__('Clear')} onClick={() => onPick([])} />
        )}
        {more && (
          <Button
            label={trans.__('More')}
            caption={trans.__('Load the next ones')}
            onClick={onMore}
          />
        )}
      </div>
      {fault && (
        <p role="alert" className={cx('more', 'tone-bad')}>
          {fault}
        </p>
      )}
      {all.length ? (
        <div className={cx('mime-pick-rows')} data-lm-suppress-shortcuts="true">
          <Table
            label={title}
            checks={trans.__('pick')}
            columns={linked(rowColumns(all), refs)}
            rows={rows}
            row={({ index }) => ({ id: String(index), ref: refOf(refs, index) })}
            total={total}
            selection={selection}
            onSelect={pick}
            onOpen={toggle}
          />
        </div>
      ) : (
        <EmptyCard sentence={trans.__('There are no %1 here.', title)} />
      )}
    </>
  );
}

/** The object of a row, if it has a page. */
const refOf = (refs: readonly string[], index: number): string | undefined =>
  refs[index] === '' ? undefined : refs[index];

/** The first column opens the page of its object. */
function linked(
  [first, ...others]: readonly IColumnSpec<IShown>[],
  refs: readonly string[]
): IColumnSpec<IShown>[] {
  if (!first) {
    return [];
  }
  const cell = (row: IShown): React.ReactElement => (
    <RefLink reference={refs[row.index] ?? ''}>{row.values[first.key]}</RefLink>
  );
  return [{ ...first, end: false, cell }, ...others];
}
