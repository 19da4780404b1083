import React, { useState } from 'react';

import type { IDataset, IPage, ISnapshot } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { usePageVerb } from '../components/frame';
import { More } from '../components/more';
import { type IColumnSpec, Table } from '../components/table';
import { Tag } from '../components/tag';
import { clock } from '../components/times';
import { Writer } from '../components/writer';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IWorkbench } from '../tokens';
import { DatasetDiff } from './diff';

interface ISnapshotsProps {
  dataset: IDataset;
  /** Whether to compare at once. */
  comparing?: boolean;
}

/** Two snapshots, the earlier one first. */
type Pair = readonly [before: ISnapshot, after: ISnapshot];

/**
 * The commits of a dataset, newest first; two that are picked can be compared. Those of a Delta table
 * that is read in place are neither restored nor let go here.
 */
export function Snapshots({ dataset, comparing = false }: ISnapshotsProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [picked, pick] = useState<ReadonlySet<string>>(new Set());
  const [pair, show] = useState<Pair | null>(null);
  const [asked, ask] = useState(comparing);
  const { query, onMore } = useList(
    `snapshots:${dataset.ref}`,
    (limit, signal) => client.catalog.snapshots(dataset.name, { limit }, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  const items = query.data?.items ?? [];
  const next = pairOf(items, picked);
  usePageVerb('mlinfra:catalog-compare', () => show(next), !pair);
  if (asked && query.data) {
    ask(false);
    show(next);
  }
  if (pair) {
    const [before, after] = pair;
    return (
      <DatasetDiff dataset={dataset} before={before} after={after} onBack={() => show(null)} />
    );
  }
  return (
    <>
      <div className={cx('bar')}>
        <Button
          icon="compare"
          label={trans.__('Compare')}
          caption={
            picked.size
              ? trans.__('The two snapshots that are picked')
              : trans.__('The newest two snapshots; or pick two')
          }
          disabled={!next}
          onClick={() => show(next)}
        />
        {!dataset.domain && (
          <>
            <Chosen snapshots={items.filter(({ ref }) => picked.has(ref))} />
            <span className={cx('space')} />
            <ActionButton
              command="mlinfra:catalog-expire"
              target={dataset}
              label={trans.__('Expire…')}
            />
          </>
        )}
      </div>
      <div className={cx('scroll')}>
        <Result query={query}>
          {page => (
            <List dataset={dataset} page={page} picked={picked} onPick={pick} onMore={onMore} />
          )}
        </Result>
      </div>
    </>
  );
}

/** The two that are picked, or without any the newest two; null for any other number. */
function pairOf(items: readonly ISnapshot[], picked: ReadonlySet<string>): Pair | null {
  const chosen = picked.size ? items.filter(({ ref }) => picked.has(ref)) : items.slice(0, 2);
  const [after, before] = chosen;
  return chosen.length === 2 && after && before ? [before, after] : null;
}

/** What can be done with the one snapshot that is picked. */
function Chosen({
  snapshots: [one, another]
}: {
  snapshots: readonly ISnapshot[];
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  return one && !another ? (
    <>
      <ActionButton
        command="mlinfra:catalog-restore-snapshot"
        target={one}
        label={trans.__('Restore')}
      />
      <ActionButton command="mlinfra:catalog-tag-snapshot" target={one} label={trans.__('Tag…')} />
    </>
  ) : null;
}

interface IListProps {
  dataset: IDataset;
  page: IPage<ISnapshot>;
  picked: ReadonlySet<string>;
  onPick: (refs: ReadonlySet<string>) => void;
  onMore?: () => void;
}

function List({ dataset, page, picked, onPick, onMore }: IListProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  return (
    <>
      <Table
        label={trans.__('Snapshots of %1', dataset.name)}
        columns={columnsOf(page.items, workbench)}
        rows={page.items}
        row={snapshot => ({ id: snapshot.ref, ref: snapshot.ref, item: snapshot })}
        total={page.total}
        current={page.items.find(item => item.id === dataset.snapshot?.split('.')[0])?.ref}
        checks={trans.__('Pick')}
        selection={picked}
        onSelect={onPick}
      />
      <More
        page={page}
        onMore={onMore}
        rest={trans.__('for older ones: mlinfra catalog snapshots')}
      />
    </>
  );
}

/** Rows that changed have a column where any did. */
function columnsOf(
  snapshots: readonly ISnapshot[],
  { trans }: IWorkbench
): IColumnSpec<ISnapshot>[] {
  const time = clock(snapshots.map(({ at }) => at));
  const signed =
    (sign: string) =>
    (count: unknown): string =>
      sign + format.number(count);
  const updates: IColumnSpec<ISnapshot> = {
    key: 'updated',
    head: trans.__('updated'),
    figure: ({ updated }) => updated || null,
    sort: ({ updated }) => updated,
    width: 90
  };
  return [
    {
      key: 'id',
      head: trans.__('snapshot'),
      cell: ({ id, refs }) => (
        <>
          <code>{id}</code>{' '}
          {Object.keys(refs).map(name => (
            <Tag key={name}>{name}</Tag>
          ))}
        </>
      )
    },
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
      cell: ({ operation, restored_from }) => (restored_from ? trans.__('restore') : operation),
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
      figure: ({ added }) => (added === 0 ? null : added),
      write: signed('+'),
      sort: ({ added }) => added,
      width: 100
    },
    ...(snapshots.some(({ updated }) => updated) ? [updates] : []),
    {
      key: 'removed',
      head: trans.__('removed'),
      figure: ({ removed }) => (removed === 0 ? null : removed),
      write: signed('−'),
      sort: ({ removed }) => removed,
      width: 100
    },
    {
      key: 'by',
      head: trans.__('written by'),
      cell: ({ written_by }) => <Writer of={written_by} />
    }
  ];
}
