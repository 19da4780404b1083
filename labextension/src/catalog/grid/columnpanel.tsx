import '../../../style/catalog.css';

import React, { useState } from 'react';

import type { IColumn, IGridQuery } from '../../api/types';
import { Button } from '../../components/button';
import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { Field } from '../../components/field';
import { Select } from '../../components/select';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { beyond } from '../figures';
import { Brush } from './brush';
import {
  BARE,
  brushed,
  isBrushed,
  isOrdered,
  type Operator,
  operatorsOf,
  operatorWord,
  orderOf,
  sortedBy,
  typed,
  withFilter
} from './query';
import type { IGridSource } from './source';

interface IColumnPanelProps {
  source: IGridSource;
  column: IColumn;
  query: IGridQuery;
  onQuery: (query: IGridQuery) => void;
  onClose: () => void;
}

/** What can be done with one column: sort by it, filter by it, choose a part of its values. */
export function ColumnPanel(props: IColumnPanelProps): React.ReactElement {
  const { source, column, query, onClose } = props;
  const { trans } = useWorkbench();
  // a column of a group is none of the table: rows are filtered before they are grouped
  const own = source.columns.some(({ name }) => name === column.name);
  return (
    <section
      className={cx('catalog-grid-panel')}
      aria-label={trans.__('Column %1', column.name)}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <div className={cx('bar')}>
        <b>{column.name}</b>
        <span className={cx('type')}>{column.type}</span>
        {isOrdered(column.type) && <SortButtons {...props} />}
        {own && <FilterForm {...props} />}
        <span className={cx('space')} />
        <Button bare kind="quiet" icon="close" label={trans.__('Close')} onClick={onClose} />
      </div>
      {own && !query.group && isBrushed(column.type) && <ColumnShapeOf {...props} />}
    </section>
  );
}

function SortButtons({ column, query, onQuery }: IColumnPanelProps): React.ReactElement {
  const { trans } = useWorkbench();
  const order = orderOf(query, column.name);
  const orders: readonly [boolean, string][] = [
    [false, trans.__('Sort Upwards')],
    [true, trans.__('Sort Downwards')]
  ];
  return (
    <>
      {orders.map(([descending, label]) => (
        <Button
          key={label}
          label={label}
          pressed={order === descending}
          caption={trans.__(
            'Again: in the order of the table. With Shift: first by this, then as now'
          )}
          onClick={event =>
            onQuery(
              sortedBy(query, column.name, order === descending ? null : descending, event.shiftKey)
            )
          }
        />
      ))}
    </>
  );
}

function FilterForm({ column, query, onQuery }: IColumnPanelProps): React.ReactElement {
  const { trans } = useWorkbench();
  const operators = operatorsOf(column.type);
  const [op, setOp] = useState<Operator>(operators[0] ?? 'null');
  const [text, setText] = useState('');
  const [end, setEnd] = useState('');
  const bare = BARE.includes(op);
  const value = op === 'between' ? [text, end] : typed(text, op);
  const fields: readonly [string, string, (text: string) => void][] = bare
    ? []
    : [
        [trans.__('value'), text, setText],
        ...(op === 'between'
          ? [[trans.__('and'), end, setEnd] as [string, string, (text: string) => void]]
          : [])
      ];
  const empty = (): boolean => !bare && text === '' && !['=', '!='].includes(op);
  return (
    <form
      className={cx('field')}
      aria-label={trans.__('Filter by %1', column.name)}
      onSubmit={event => {
        event.preventDefault();
        if (!empty()) {
          onQuery(withFilter(query, { column: column.name, op, value }));
        }
      }}
    >
      <Select
        bare
        focus
        label={trans.__('Condition for %1', column.name)}
        value={op}
        options={operators.map(one => ({ value: one, label: operatorWord(one, trans) }))}
        onChange={one => setOp(one as Operator)}
      />
      {fields.map(([label, shown, change]) => (
        <Field
          key={label}
          label={label}
          value={shown}
          width={120}
          placeholder={op === 'in' ? trans.__('a, b, c') : undefined}
          onChange={change}
        />
      ))}
      <Button submit label={trans.__('Filter')} disabled={empty()} />
    </form>
  );
}

function ColumnShapeOf({ source, column, query, onQuery }: IColumnPanelProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const others = query.filters.filter(item => item.column !== column.name);
  const found = useQuery(
    `shape:${source.id}:${column.name}:${JSON.stringify(others)}`,
    signal => source.shape(query, column.name, signal),
    { every: () => null }
  );
  return (
    <Result query={found} rows={2}>
      {({ shape }) =>
        shape ? (
          <div className={cx('bar')}>
            <Brush
              key={column.name}
              column={column.name}
              shape={shape}
              onBrush={range => onQuery(brushed(query, column.name, shape, range))}
            />
            <span className={cx('quiet')}>{beyond(shape, workbench).join('; ')}</span>
          </div>
        ) : (
          <p className={cx('more')}>{trans.__('These values have no shape.')}</p>
        )
      }
    </Result>
  );
}
