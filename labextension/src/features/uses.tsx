import React from 'react';

import type { IPage, IUse, IView } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { More } from '../components/more';
import { RefLink } from '../components/reflink';
import { type IColumnSpec, Table } from '../components/table';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { MOST, useList } from '../hooks/list';
import { type IQuery, useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';

const TOPICS = ['view', 'run', 'model', 'dataset'] as const;

/** What was made from the features of a view: as much as the server gives at once. */
export function useUses(view: IView): IQuery<IPage<IUse>> {
  const { client } = useWorkbench();
  return useQuery(
    `uses:${view.ref}`,
    signal => client.features.uses(view.name, { limit: MOST }, signal),
    { topics: TOPICS }
  );
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
  const { client, trans } = workbench;
  const { query, onMore } = useList(
    `used by:${view.ref}`,
    (limit, signal) => client.features.uses(view.name, { limit }, signal),
    { topics: TOPICS }
  );
  return (
    <Result query={query}>
      {page =>
        page.items.length ? (
          <div className={cx('scroll')}>
            <Table
              label={trans.__('What uses %1', view.name)}
              columns={columnsOf(workbench)}
              rows={page.items}
              row={({ ref }) => ({ id: ref, ref })}
            />
            <More page={page} onMore={onMore} rest={`mlinfra features uses ${view.name}`} />
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
