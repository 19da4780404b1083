import React from 'react';

import type { IGridQuery } from '../../api/types';
import { Button } from '../../components/button';
import { cx } from '../../components/cx';
import { useWorkbench } from '../../hooks/context';
import type { IWorkbench } from '../../tokens';
import { filterWords, grouped, PLAIN, sortedBy, without } from './query';

interface IChipsProps {
  query: IGridQuery;
  onQuery: (query: IGridQuery) => void;
}

interface IChip {
  words: string;
  rest: IGridQuery;
}

function chipsOf(query: IGridQuery, { trans }: IWorkbench): IChip[] {
  const { filters, sort, group } = query;
  return [
    ...filters.map(filter => ({ words: filterWords(filter, trans), rest: without(query, filter) })),
    ...(group?.by.map(name => {
      const by = group.by.filter(other => other !== name);
      return {
        words: trans.__('grouped by %1', name),
        rest: grouped(query, by.length ? { ...group, by } : null)
      };
    }) ?? []),
    ...(group?.aggregates.map(figure => ({
      words: `${figure.function} ${figure.column}`,
      rest: grouped(query, {
        ...group,
        aggregates: group.aggregates.filter(other => other !== figure)
      })
    })) ?? []),
    ...sort.map(({ column, descending }) => ({
      words: descending ? trans.__('by %1, downwards', column) : trans.__('by %1', column),
      rest: {
        ...sortedBy(query, column, null),
        sort: sort.filter(one => one.column !== column)
      }
    }))
  ];
}

/** What a grid shows, a word for each part; a press takes the part away. */
export function Chips({ query, onQuery }: IChipsProps): React.ReactElement | null {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const chips = chipsOf(query, workbench);
  if (!chips.length) {
    return null;
  }
  return (
    <div className={cx('bar')} role="group" aria-label={trans.__('What is shown')}>
      {chips.map(({ words, rest }, index) => (
        <button
          key={`${index}:${words}`}
          type="button"
          className={cx('scope')}
          title={trans.__('Take this away')}
          onClick={() => onQuery(rest)}
        >
          {words} <span aria-hidden="true">✕</span>
        </button>
      ))}
      <Button kind="quiet" label={trans.__('Show All Rows')} onClick={() => onQuery(PLAIN)} />
    </div>
  );
}
