import React from 'react';

import type { IDataset, ISnapshot } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { More } from '../components/more';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IWorkbench } from '../tokens';

/** The commits of a dataset, newest first. */
export function Snapshots({ dataset }: { dataset: IDataset }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { query, onMore } = useList(
    `snapshots:${dataset.ref}`,
    (limit, signal) => client.catalog.snapshots(dataset.name, { limit }, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={query}>
        {page => (
          <>
            <Table
              label={trans.__('Snapshots of %1', dataset.name)}
              columns={columnsOf(clock(page.items.map(({ at }) => at)), workbench)}
              rows={page.items}
              row={snapshot => ({ id: snapshot.ref, ref: snapshot.ref })}
              total={page.total}
              current={page.items.find(item => item.id === dataset.snapshot?.split('.')[0])?.ref}
            />
            <More
              page={page}
              onMore={onMore}
              rest={trans.__('for older ones: mlinfra catalog snapshots')}
            />
          </>
        )}
      </Result>
    </div>
  );
}

function columnsOf(
  time: ReturnType<typeof clock>,
  { trans }: IWorkbench
): IColumnSpec<ISnapshot>[] {
  const signed =
    (sign: string) =>
    (count: unknown): string =>
      sign + format.number(count);
  return [
    { key: 'id', head: trans.__('snapshot'), cell: ({ id }) => <code>{id}</code> },
    {
      key: 'at',
      head: trans.__('when'),
      cell: ({ at }) => time(at),
      sort: ({ at }) => at,
      width: 130
    },
    {
      key: 'operation',
      head: trans.__('operation'),
      cell: ({ operation }) => operation,
      width: 110
    },
    {
      key: 'rows',
      head: trans.__('rows'),
      figure: ({ rows }) => rows,
      sort: ({ rows }) => rows.value,
      width: 110
    },
    {
      key: 'added',
      head: trans.__('added'),
      figure: ({ added }) => added || null,
      write: signed('+'),
      sort: ({ added }) => added,
      width: 100
    },
    {
      key: 'removed',
      head: trans.__('removed'),
      figure: ({ removed }) => removed || null,
      write: signed('−'),
      sort: ({ removed }) => removed,
      width: 100
    },
    { key: 'by', head: trans.__('written by'), cell: ({ written_by }) => written_by || format.DASH }
  ];
}
