import React from 'react';

import { cx } from './cx';
import type { AnyIcon } from './glyphs';
import { Icon } from './icon';
import { Name } from './name';
import { type IRow, type IRowsOptions, useRows } from './rows';

/** A row of a list: what it shows, beside what the keyboard needs. */
export interface IListRow extends IRow {
  icon?: AnyIcon;
  /** Instead of an icon: a state shape, a checkbox. */
  lead?: React.ReactNode;
  name: React.ReactNode;
  /** Quiet words after the name. */
  note?: React.ReactNode;
  /** At the right end: numbers, ages, bars. */
  meta?: React.ReactNode;
  /** Lines below the row: reasons, buttons. */
  lines?: React.ReactNode;
  title?: string;
}

interface IListProps extends IRowsOptions {
  label: string;
  rows: readonly IListRow[];
}

/** A list or tree with one tab stop and the keys of every list. */
export function List({ label, rows, ...options }: IListProps): React.ReactElement {
  const { container, propsOf } = useRows(rows, options);
  return (
    <div
      ref={container as React.RefObject<HTMLDivElement>}
      role="tree"
      aria-label={label}
      aria-multiselectable
    >
      {rows.map((row, index) => (
        <ListRow key={row.id} row={row} props={propsOf(index)} onToggle={options.onToggle} />
      ))}
    </div>
  );
}

interface IListRowProps {
  row: IListRow;
  props: ReturnType<ReturnType<typeof useRows>['propsOf']>;
  onToggle?: (id: string) => void;
}

function ListRow({ row, props, onToggle }: IListRowProps): React.ReactElement {
  const level = row.level ?? 0;
  return (
    <div
      className={cx('row', `level-${level}`)}
      role="treeitem"
      aria-level={level + 1}
      aria-expanded={row.open}
      title={row.title}
      {...props}
    >
      <div className={cx('row-line')}>
        {row.open !== undefined && (
          <button
            type="button"
            className={cx('twist', row.open && 'is-open')}
            tabIndex={-1}
            aria-hidden="true"
            onClick={event => {
              event.stopPropagation();
              onToggle?.(row.id);
            }}
          />
        )}
        {row.lead ?? (row.icon && <Icon name={row.icon} />)}
        <span className={cx('row-name')}>
          {typeof row.name === 'string' ? <Name text={row.name} /> : row.name}
          {row.note && <span className={cx('row-note')}> {row.note}</span>}
        </span>
        {row.meta && <span className={cx('row-meta')}>{row.meta}</span>}
      </div>
      {row.lines && <div className={cx('row-lines')}>{row.lines}</div>}
    </div>
  );
}
