import React, { useEffect, useMemo, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IDataset, IRowBlock } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { usePageVerb } from '../components/frame';
import { Grid } from '../components/grid';
import { Pager } from '../components/pager';
import { RemoteTable } from '../components/remote';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useQuery } from '../hooks/query';

/**
 * Up to so many rows a table is drawn, which a screen reader can read; above, a grid that fetches
 * blocks, or pages of a table.
 */
const TABLE_ROWS = 200;
/** Rows of a page of the accessible table. */
const PAGE = 100;

interface IPreviewProps {
  dataset: IDataset;
  /** Whether the field for the number of a row is shown at once. */
  going: boolean;
}

/** What the rows of a dataset are the same for. A table of a domain has no snapshots. */
const stateOf = ({ snapshot, updated_at }: IDataset): string | null => snapshot ?? updated_at;

/** The rows of a dataset's newest snapshot, or the first ones of a domain's table. */
export function Preview({ dataset, going }: IPreviewProps): React.ReactElement {
  const { client } = useWorkbench();
  const first = useQuery(
    `rows:${dataset.ref}@${stateOf(dataset)}`,
    signal =>
      client.catalog.rows(
        dataset.name,
        { start: 0, count: TABLE_ROWS, snapshot: dataset.snapshot },
        signal
      ),
    { every: () => null }
  );
  return (
    <Result query={first} rows={12}>
      {block =>
        block.total > TABLE_ROWS ? (
          <LargePreview dataset={dataset} block={block} going={going} />
        ) : (
          <SmallPreview dataset={dataset} block={block} />
        )
      }
    </Result>
  );
}

interface IBlockProps {
  dataset: IDataset;
  block: IRowBlock;
}

/** The rows of a block as a table of the page; `numbered` where it is one page of many. */
function BlockTable({
  dataset,
  block,
  numbered
}: IBlockProps & { numbered?: boolean }): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = Array.from({ length: block.shown }, (_, index) => index);
  const columns = block.columns.map((column, place): IColumnSpec<number> => ({
    key: column.name,
    head: column.name,
    end: /^(u?i|f)\d/.test(column.type),
    cell: row => <span className={cx('cell')}>{format.cell(block.data[place]?.[row])}</span>
  }));
  const counter: IColumnSpec<number> = {
    key: '#',
    head: '#',
    end: true,
    width: 72,
    cell: row => <span className={cx('quiet')}>{format.number(block.start + row + 1)}</span>
  };
  return (
    <Table
      label={trans.__('Rows of %1', dataset.name)}
      columns={numbered ? [counter, ...columns] : columns}
      rows={rows}
      row={row => ({ id: String(row) })}
      total={block.total}
      first={block.start}
    />
  );
}

function SmallPreview({ dataset, block }: IBlockProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <div className={cx('scroll')}>
      <BlockTable dataset={dataset} block={block} />
      <p className={cx('more')}>
        {trans.__('%1 of %2 rows', format.number(block.shown), format.number(block.total))}
      </p>
    </div>
  );
}

function LargePreview({
  dataset,
  block,
  going
}: IBlockProps & { going: boolean }): React.ReactElement {
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
        <PagedTable dataset={dataset} block={block} start={start} />
      ) : (
        <RemoteGrid dataset={dataset} block={block} target={target} />
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

function PagedTable({
  dataset,
  block,
  start
}: IBlockProps & { start: number }): React.ReactElement {
  const { client } = useWorkbench();
  const { snapshot } = block;
  const state = snapshot ?? stateOf(dataset);
  const page = useQuery(
    `rows:${dataset.ref}@${state}:${start}`,
    signal => client.catalog.rows(dataset.name, { start, count: PAGE, snapshot }, signal),
    { every: () => null, list: `${dataset.ref}@${state}` }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={page} rows={12}>
        {rows => <BlockTable dataset={dataset} block={rows} numbered />}
      </Result>
    </div>
  );
}

interface IRemoteGridProps extends IBlockProps {
  target: { row: number } | null;
}

function RemoteGrid({ dataset, block, target }: IRemoteGridProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [error, setError] = useState<ApiError | null>(null);
  const { columns, total, snapshot } = block;
  const model = useMemo(
    () =>
      new RemoteTable(
        columns,
        total,
        async (start, count) => {
          const rows = await client.catalog.rows(dataset.name, { start, count, snapshot });
          setError(null);
          return rows;
        },
        failure => setError(asApiError(failure))
      ),
    [client, dataset.name, columns, total, snapshot]
  );
  useEffect(() => () => model.dispose(), [model]);
  return (
    <>
      {error && <ErrorCard error={error} />}
      <Grid model={model} label={trans.__('Rows of %1', dataset.name)} goTo={target} />
      <p className={cx('more')}>
        {dataset.domain
          ? trans.__('the first %1 rows; SQL reads all of them', format.number(total))
          : trans.__('%1 rows, fetched by blocks as they come into sight', format.number(total))}
      </p>
    </>
  );
}
