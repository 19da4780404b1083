import React, { useMemo, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IDataset, IRowBlock } from '../api/types';
import { ErrorCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Grid } from '../components/grid';
import { RemoteTable } from '../components/remote';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

/** Up to so many rows a table is drawn, which a screen reader can read; above, a grid that fetches blocks. */
const TABLE_ROWS = 200;

/** The rows of a dataset's newest snapshot. */
export function Preview({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client } = useWorkbench();
  const first = useQuery(
    `rows:${dataset.ref}@${dataset.snapshot}`,
    signal => client.catalog.rows(dataset.name, { start: 0, count: TABLE_ROWS, snapshot: dataset.snapshot }, signal),
    { every: () => null }
  );
  return (
    <Result query={first} rows={12}>
      {block =>
        block.total > TABLE_ROWS ? (
          <LargePreview dataset={dataset} block={block} />
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

function SmallPreview({ dataset, block }: IBlockProps): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = Array.from({ length: block.shown }, (_, index) => index);
  const columns = block.columns.map((column, place): IColumnSpec<number> => ({
    key: column.name,
    head: column.name,
    end: /^(u?i|f)\d/.test(column.type),
    cell: row => <span className={cx('cell')}>{format.cell(block.data[place]?.[row])}</span>
  }));
  return (
    <div className={cx('scroll')}>
      <Table
        label={trans.__('Rows of %1', dataset.name)}
        columns={columns}
        rows={rows}
        row={row => ({ id: String(row) })}
        total={block.total}
      />
      <p className={cx('more')}>{trans.__('%1 of %2 rows', format.number(block.shown), format.number(block.total))}</p>
    </div>
  );
}

function LargePreview({ dataset, block }: IBlockProps): React.ReactElement {
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
  return (
    <>
      {error && <ErrorCard error={error} />}
      <Grid model={model} label={trans.__('Rows of %1', dataset.name)} />
      <p className={cx('more')}>
        {trans.__('%1 rows, fetched by blocks as they come into sight', format.number(total))}
      </p>
    </>
  );
}
