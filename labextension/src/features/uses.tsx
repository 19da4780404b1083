import React from 'react';

import type { IPage, IUse, IView } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { RefLink } from '../components/reflink';
import { type IColumnSpec, Table } from '../components/table';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';

/** What was made from the features of a view. */
export function useUses(view: IView): IQuery<IPage<IUse>> {
  const { client } = useWorkbench();
  return useQuery(`uses:${view.ref}`, signal => client.features.uses(view.name, signal), {
    topics: ['view', 'run', 'model', 'dataset']
  });
}

/** An object that uses a feature, by its name; a champion says so. */
export function User({ use }: { use: IUse }): React.ReactElement {
  return (
    <>
      <RefLink reference={use.ref}>{use.name}</RefLink>
      {use.aliases.map(alias => (
        <React.Fragment key={alias}>
          {' '}
          <Tag>{alias}</Tag>
        </React.Fragment>
      ))}
    </>
  );
}

/** The models, runs and datasets that were made from a view, champions first. */
export function UsedBy({ view }: { view: IView }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const query = useUses(view);
  return (
    <Result query={query}>
      {({ items }) =>
        items.length ? (
          <div className={cx('scroll')}>
            <Table
              label={trans.__('What uses %1', view.name)}
              columns={columnsOf(workbench)}
              rows={items}
              row={({ ref }) => ({ id: ref, ref })}
            />
          </div>
        ) : (
          <EmptyCard
            sentence={trans.__(
              'Here stand the models, runs and datasets that were made from these features. There are none yet: a training set is the first.'
            )}
            code={`%features use ${view.name}:*`}
            door="magic"
          />
        )
      }
    </Result>
  );
}

const columnsOf = ({ trans }: IWorkbench): IColumnSpec<IUse>[] => [
  { key: 'name', head: trans.__('name'), cell: use => <User use={use} />, width: 260 },
  {
    key: 'kind',
    head: trans.__('what'),
    cell: ({ kind }) => kind,
    sort: ({ kind }) => kind,
    width: 90
  },
  {
    key: 'features',
    head: trans.__('features'),
    wrap: true,
    cell: ({ features }) => features.join(', ')
  },
  {
    key: 'at',
    head: trans.__('made'),
    cell: ({ at }) => format.time(at),
    sort: ({ at }) => at,
    width: 120
  }
];
