import React, { useEffect, useState } from 'react';

import type { IColumn, IGridBlock, IGridQuery } from '../../api/types';
import { Button } from '../../components/button';
import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { usePageVerb } from '../../components/frame';
import { Select } from '../../components/select';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { Chips } from './chips';
import { ColumnPanel } from './columnpanel';
import { GroupPanel } from './grouppanel';
import { isPlain } from './query';
import { isSmall, LargeRows, SmallRows, TABLE_ROWS } from './rows';
import type { Show } from './shown';
import type { IGridSource } from './source';

interface IExplorerProps {
  source: IGridSource;
  query: IGridQuery;
  onQuery: (query: IGridQuery) => void;
  /** Whether the field for the number of a row is shown at once. */
  going?: boolean;
  /** Whether a column is opened at once, to sort and filter by it. */
  filtering?: boolean;
  /** Called with what is shown; null once nothing is, or while it is late. */
  onShown: Show;
  /** Buttons at the end of the bar. */
  children?: React.ReactNode;
}

/** Rows that can be filtered, sorted and grouped: all of them, read where they are. */
export function Explorer(props: IExplorerProps): React.ReactElement {
  const { source, query, onQuery, going = false, filtering = false, onShown, children } = props;
  const { trans } = useWorkbench();
  const begun = `column:${source.columns[0]?.name ?? ''}`;
  const [panel, setPanel] = useState<string | null>(filtering ? begun : null);
  const first = useQuery(
    `grid:${source.id}:${JSON.stringify(query)}`,
    signal => source.rows(query, 0, TABLE_ROWS, signal),
    { every: () => null, list: `grid:${source.id}` }
  );
  const block = first.borrowed ? undefined : first.data;
  const late = !block && first.loading && (first.borrowed || !isPlain(query));
  useEffect(() => {
    onShown(block ?? null, late);
    return () => onShown(null, false);
  }, [block, late, onShown]);
  usePageVerb('mlinfra:catalog-filter', () => setPanel(begun));
  const columns = query.group
    ? [...(first.data?.columns ?? []), ...source.columns]
    : source.columns;
  const column = columns.find(({ name }) => panel === `column:${name}`);
  const close = (): void => setPanel(null);
  const open = ({ name }: IColumn): void => setPanel(`column:${name}`);
  return (
    <>
      <div className={cx('bar')} data-lm-suppress-shortcuts="true">
        <Select
          label={trans.__('column')}
          value=""
          options={[
            { value: '', label: trans.__('sort, filter…') },
            ...unique(columns).map(({ name }) => ({ value: name, label: name }))
          ]}
          onChange={name => name && setPanel(`column:${name}`)}
        />
        <Button
          label={trans.__('Group…')}
          pressed={panel === 'group'}
          onClick={() => setPanel(panel === 'group' ? null : 'group')}
        />
        {first.data && <Counted block={first.data} />}
        <span className={cx('space')} />
        {children}
      </div>
      <Chips query={query} onQuery={onQuery} />
      {panel === 'group' && (
        <GroupPanel columns={source.columns} query={query} onQuery={onQuery} onClose={close} />
      )}
      {column && (
        <ColumnPanel
          key={column.name}
          source={source}
          column={column}
          query={query}
          onQuery={onQuery}
          onClose={close}
        />
      )}
      <Result query={first} rows={12}>
        {rows =>
          isSmall(rows) ? (
            <SmallRows source={source} query={rows.query} block={rows} onColumn={open} />
          ) : (
            <LargeRows
              source={source}
              query={rows.query}
              block={rows}
              going={going}
              onColumn={open}
            />
          )
        }
      </Result>
    </>
  );
}

const unique = (columns: readonly IColumn[]): IColumn[] =>
  columns.filter(({ name }, index) => columns.findIndex(other => other.name === name) === index);

/** How many rows there are, of how many. */
function Counted({ block }: { block: IGridBlock }): React.ReactElement {
  const { trans } = useWorkbench();
  const { total, of, query } = block;
  const shown = format.number(total);
  return (
    <span className={cx('quiet')} role="status">
      {query.group
        ? trans._n('%2 group', '%2 groups', total, shown)
        : of !== null && of !== total
          ? trans.__('%1 of %2 rows', shown, format.number(of))
          : trans._n('%2 row', '%2 rows', total, shown)}
    </span>
  );
}
