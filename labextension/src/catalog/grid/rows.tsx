import '../../../style/catalog.css';

import React, { useEffect, useMemo, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../../api/errors';
import type { IColumn, IGridBlock, IGridQuery } from '../../api/types';
import { Button } from '../../components/button';
import { ErrorCard, Result } from '../../components/card';
import { cx } from '../../components/cx';
import { Field } from '../../components/field';
import { usePageVerb } from '../../components/frame';
import { Grid } from '../../components/grid';
import { Pager } from '../../components/pager';
import { PAUSE, RemoteTable } from '../../components/remote';
import { type IColumnSpec, Table } from '../../components/table';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { useMemory } from '../../hooks/memory';
import { useQuery } from '../../hooks/query';
import { heading, orderOf } from './query';
import type { IGridSource } from './source';

/**
 * Up to so many rows a table is drawn, which a screen reader can read; above, a grid that fetches
 * blocks, or pages of a table.
 */
export const TABLE_ROWS = 200;
/** Cells of such a table: each is an element of the page. */
const TABLE_CELLS = 8000;

export const isSmall = ({ total, columns }: IGridBlock): boolean =>
  total <= TABLE_ROWS && total * columns.length <= TABLE_CELLS;

/** Rows of a page of the accessible table. */
const PAGE = 100;

interface IRowsProps {
  source: IGridSource;
  query: IGridQuery;
  block: IGridBlock;
  onColumn: (column: IColumn) => void;
}

/** The rows of a block as a table of the page; `numbered` where it is one page of many. */
function BlockTable({
  source,
  query,
  block,
  numbered,
  onColumn
}: IRowsProps & { numbered?: boolean }): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = Array.from({ length: block.shown }, (_, index) => index);
  const columns = block.columns.map((column, place): IColumnSpec<number> => {
    const order = orderOf(query, column.name);
    return {
      key: column.name,
      head: (
        <button
          type="button"
          className={cx('catalog-grid-head')}
          title={trans.__('Sort and filter by %1', column.name)}
          onClick={() => onColumn(column)}
        >
          {heading(query, column.name)}
        </button>
      ),
      order: order === null ? 'none' : order ? 'descending' : 'ascending',
      end: /^([iuf]\d|dec)/.test(column.type),
      cell: row => <span className={cx('cell')}>{format.cell(block.data[place]?.[row])}</span>
    };
  });
  const counter: IColumnSpec<number> = {
    key: '#',
    head: '#',
    end: true,
    width: 72,
    cell: row => <span className={cx('quiet')}>{format.number(block.start + row + 1)}</span>
  };
  return (
    <Table
      label={trans.__('Rows of %1', source.name)}
      columns={numbered ? [counter, ...columns] : columns}
      rows={rows}
      row={row => ({ id: String(row) })}
      total={block.total}
      first={block.start}
    />
  );
}

export function SmallRows(props: IRowsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { block, query } = props;
  return (
    <div className={cx('scroll')}>
      <BlockTable {...props} />
      <p className={cx('more')}>
        {block.total > 0
          ? trans.__('%1 of %2 rows', format.number(block.shown), format.number(block.total))
          : query.filters.length
            ? trans.__('No row fits the filters.')
            : trans.__('It has no rows yet.')}
      </p>
    </div>
  );
}

export function LargeRows(props: IRowsProps & { going: boolean }): React.ReactElement {
  const { block, going } = props;
  const { trans } = useWorkbench();
  const [asTable, setAsTable] = useMemory('preview:as-table', false);
  const [start, setStart] = useState(0);
  const [target, setTarget] = useState<{ row: number } | null>(null);
  const go = (row: number): void => {
    const inside = Math.min(block.total - 1, Math.max(0, row));
    setStart(Math.floor(inside / PAGE) * PAGE);
    setTarget({ row: inside });
  };
  return (
    <>
      <div className={cx('bar')}>
        <GoToRow total={block.total} going={going} onGo={go} />
        {asTable && <Pager start={start} size={PAGE} total={block.total} onStart={setStart} />}
        <span className={cx('space')} />
        <Button
          label={asTable ? trans.__('Show as Grid') : trans.__('Show as Accessible Table')}
          caption={trans.__(
            'A grid scrolls through all rows; a table can be read by a screen reader, a page at a time'
          )}
          onClick={() => setAsTable(!asTable)}
        />
      </div>
      {asTable ? (
        <PagedTable {...props} start={start} />
      ) : (
        <RemoteGrid {...props} target={target} />
      )}
    </>
  );
}

interface IGoToRowProps {
  total: number;
  going: boolean;
  onGo: (row: number) => void;
}

/** A field that takes the number of a row. */
function GoToRow({ total, going, onGo }: IGoToRowProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [text, setText] = useState('');
  const row = Number(text);
  const good = Number.isInteger(row) && row >= 1 && row <= total;
  const host = useRef<HTMLFormElement>(null);
  usePageVerb('mlinfra:catalog-go-to-row', () => host.current?.querySelector('input')?.focus());
  useEffect(() => {
    if (going) {
      host.current?.querySelector('input')?.focus();
    }
  }, [going]);
  return (
    <form
      ref={host}
      className={cx('field')}
      onSubmit={event => {
        event.preventDefault();
        if (good) {
          onGo(row - 1);
        }
      }}
    >
      <Field
        label={trans.__('go to row')}
        value={text}
        width={96}
        type="number"
        min={1}
        max={total}
        onChange={setText}
        fault={text && !good ? trans.__('1 to %1', format.number(total)) : undefined}
      />
    </form>
  );
}

function PagedTable(props: IRowsProps & { start: number }): React.ReactElement {
  const { source, query, start } = props;
  const page = useQuery(
    `grid:${source.id}:${JSON.stringify(query)}:${start}`,
    signal => source.rows(query, start, PAGE, signal),
    { every: () => null, list: `page:${source.id}:${JSON.stringify(query)}` }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={page} rows={12}>
        {block => <BlockTable {...props} block={block} numbered />}
      </Result>
    </div>
  );
}

function RemoteGrid({
  source,
  query,
  block,
  target,
  onColumn
}: IRowsProps & { target: { row: number } | null }): React.ReactElement {
  const { trans } = useWorkbench();
  const [error, setError] = useState<ApiError | null>(null);
  const { columns, total } = block;
  // The page makes its source anew with each answer of the server. The grid of the same rows stays,
  // and with it the rows in sight.
  const [held, hold] = useState(source);
  if (held.id !== source.id) {
    hold(source);
  }
  const model = useMemo(
    () =>
      new RemoteTable(
        columns,
        total,
        async (start, count) => {
          const rows = await held.rows(query, start, count);
          setError(null);
          return rows;
        },
        failure => setError(asApiError(failure)),
        name => heading(query, name)
      ),
    [held, query, columns, total]
  );
  useEffect(() => () => model.dispose(), [model]);
  useEffect(() => {
    // what failed is asked for again while it is in sight: a failure that does not return is past
    const past = setTimeout(() => setError(null), 2 * PAUSE);
    return () => clearTimeout(past);
  }, [error]);
  return (
    <>
      {error && <ErrorCard error={error} />}
      <Grid
        model={model}
        label={trans.__('Rows of %1', source.name)}
        goTo={target}
        onColumn={place => columns[place] && onColumn(columns[place])}
      />
      <p className={cx('more')}>
        {source.note ??
          trans.__('%1 rows, fetched by blocks as they come into sight', format.number(total))}
      </p>
    </>
  );
}
