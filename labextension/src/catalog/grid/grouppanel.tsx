import '../../../style/catalog.css';

import React from 'react';

import type { IColumn, IGridQuery } from '../../api/types';
import { Button } from '../../components/button';
import { cx } from '../../components/cx';
import { Select } from '../../components/select';
import { useWorkbench } from '../../hooks/context';
import { type Function, FUNCTIONS, grouped, isOrdered } from './query';

interface IGroupPanelProps {
  columns: readonly IColumn[];
  query: IGridQuery;
  onQuery: (query: IGridQuery) => void;
  onClose: () => void;
}

const isNumeric = ({ type }: IColumn): boolean => /^([iuf]\d|dec)/.test(type);

/** By what rows are grouped, and which figures of each group are shown. */
export function GroupPanel({
  columns,
  query,
  onQuery,
  onClose
}: IGroupPanelProps): React.ReactElement {
  const { trans } = useWorkbench();
  const group = query.group ?? { by: [], aggregates: [] };
  const [functionName, setFunction] = React.useState<Function>('mean');
  const offered = (names: readonly IColumn[]): { value: string; label: string }[] => [
    { value: '', label: trans.__('add a column…') },
    ...names.map(({ name }) => ({ value: name, label: name }))
  ];
  const single = columns.filter(({ type }) => isOrdered(type));
  const figures = single.filter(
    column => isNumeric(column) || !['sum', 'mean'].includes(functionName)
  );
  return (
    <section
      className={cx('catalog-grid-panel')}
      aria-label={trans.__('Group')}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <div className={cx('bar')}>
        <Select
          focus
          label={trans.__('group by')}
          value=""
          options={offered(single.filter(({ name }) => !group.by.includes(name)))}
          onChange={name => name && onQuery(grouped(query, { ...group, by: [...group.by, name] }))}
        />
        {query.group && (
          <>
            <Select
              label={trans.__('figure')}
              value={functionName}
              options={FUNCTIONS.map(word => ({ value: word, label: word }))}
              onChange={word => setFunction(word as Function)}
            />
            <Select
              label={trans.__('of')}
              value=""
              options={offered(figures)}
              onChange={column =>
                column &&
                onQuery(
                  grouped(query, {
                    ...group,
                    aggregates: [...group.aggregates, { column, function: functionName }]
                  })
                )
              }
            />
          </>
        )}
        <span className={cx('space')} />
        <Button bare kind="quiet" icon="close" label={trans.__('Close')} onClick={onClose} />
      </div>
    </section>
  );
}
