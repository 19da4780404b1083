import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import type { ApiError } from '../api/errors';
import type { IPage, IRun } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { PageHeader } from '../components/header';
import { Icon } from '../components/icon';
import { LeftOut, More } from '../components/more';
import type { IRow } from '../components/rows';
import { type ISort, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useMemory } from '../hooks/memory';
import type { IQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import { formatRef, nameOf } from '../refs';
import type { IPageProps } from '../tokens';
import { runColumns, sortKey } from './runs';

/** The runs of an experiment: filtered and sorted by the server, picked to be compared. */
export default function ExperimentPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const [where, setWhere] = useMemory(`where:${reference}`, '');
  const [sort, setSort] = useMemory<ISort>(`sort:${reference}`, {
    key: 'started',
    descending: true
  });
  const [picked, pick] = useState<ReadonlySet<string>>(new Set());
  const settled = useSettled(where, 400);
  const { query, onMore } = useList(
    JSON.stringify(['runs', name, settled, sortKey(sort)]),
    (limit, signal) =>
      client.experiments.runs(
        { experiment: name, where: settled, sort: sortKey(sort), limit },
        signal
      ),
    { topics: ['run'], about: formatRef('experiment', name), list: name }
  );
  /** Whether what is shown, and what the code says, is that of the filter in the field. */
  const checked = where.trim() === settled.trim() && !query.error && !query.borrowed;
  // What a filter hides stays picked, and is counted and compared again once it is shown.
  const visible = new Set(query.data?.items.map(run => run.ref));
  const ids = [...picked].filter(ref => visible.has(ref)).map(ref => nameOf(ref));
  const compare = (): void => void open(formatRef('compare', ids));
  usePageVerb('mlinfra:runs-compare-picked', compare, ids.length > 1);

  return (
    <>
      <PageHeader icon="experiments" title={name} reference={reference}>
        <Button
          kind="primary"
          icon="compare"
          label={ids.length ? trans.__('Compare %1', ids.length) : trans.__('Compare')}
          caption={trans.__('Pick two or more runs with Space')}
          disabled={ids.length < 2}
          onClick={compare}
        />
        <Button
          bare
          kind="quiet"
          icon="refresh"
          label={trans.__('Refresh')}
          onClick={() => void query.refresh()}
        />
      </PageHeader>
      <Filter where={where} query={query} checked={checked} onWhere={setWhere} />
      <div className={cx('scroll')}>
        <Result query={query} rows={12}>
          {page => (
            <Runs
              page={page}
              where={settled}
              sort={sort}
              picked={picked}
              onSort={setSort}
              onPick={pick}
              onMore={onMore}
            />
          )}
        </Result>
      </div>
      <CallCode
        call={{
          call: 'runs-list',
          values: { experiment: name, where, sort: sortKey(sort), picked: ids }
        }}
        note={noteOf({ picked: ids.length, checked, error: query.error }, trans)}
      />
    </>
  );
}

interface IShown {
  picked: number;
  checked: boolean;
  error: ApiError | null;
}

/** No run is called running before the server has read the filter. */
function noteOf({ picked, checked, error }: IShown, trans: TranslationBundle): string | undefined {
  if (picked) {
    return trans._n('%1 run picked', '%1 runs picked', picked);
  }
  return checked
    ? undefined
    : error
      ? trans.__('the filter cannot be read')
      : trans.__('reading the filter…');
}

interface IFilterProps {
  where: string;
  query: IQuery<IPage<IRun>>;
  checked: boolean;
  onWhere: (where: string) => void;
}

function Filter({ where, query, checked, onWhere }: IFilterProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { data } = query;
  return (
    <div className={cx('search', 'is-wide')} role="search" aria-label={trans.__('Runs')}>
      <Icon name="search" />
      <input
        type="search"
        value={where}
        placeholder={trans.__('for example %1', "metrics.auc > 0.75 and tags.stage = 'sweep'")}
        aria-label={trans.__('Filter the runs')}
        spellCheck={false}
        onChange={event => onWhere(event.target.value)}
      />
      <span className={cx('scope')} aria-live="polite">
        {data && checked
          ? data.more
            ? trans.__('the first %1 runs', format.number(data.shown))
            : trans.__('%1 of %2 runs', format.number(data.shown), format.number(data.total))
          : query.error
            ? format.DASH
            : '…'}
      </span>
    </div>
  );
}

interface IRunsProps {
  page: IPage<IRun>;
  where: string;
  sort: ISort;
  picked: ReadonlySet<string>;
  onSort: (sort: ISort) => void;
  onPick: (refs: ReadonlySet<string>) => void;
  onMore?: () => void;
}

function Runs({
  page,
  where,
  sort,
  picked,
  onSort,
  onPick,
  onMore
}: IRunsProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [all, showAll] = useState(false);
  const { columns, left } = runColumns(page.items, workbench, all);
  if (!page.items.length) {
    return where ? (
      <p className={cx('more')}>{trans.__('No run of this experiment fits the filter.')}</p>
    ) : (
      <EmptyCard
        sentence={trans.__('A run is one training attempt with its settings and results.')}
        code="%%track demo"
      />
    );
  }
  return (
    <>
      <Table
        label={trans.__('Runs')}
        columns={columns}
        rows={page.items}
        row={rowOf}
        total={page.total}
        checks={trans.__('Pick')}
        sort={sort}
        onSort={onSort}
        selection={picked}
        onSelect={onPick}
      />
      <LeftOut columns={left} onAll={() => showAll(true)} />
      <More page={page} onMore={onMore} rest={trans.__('a filter finds the rest')} />
    </>
  );
}

const rowOf = (run: IRun): IRow => ({ id: run.ref, ref: run.ref, item: run });
