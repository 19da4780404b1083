import React, { useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import type { IDatasetDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { State } from '../components/state';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { type IGoal, PageContext, useGoal } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { formatRef, labelOf, parseRef, short } from '../refs';
import type { IPageProps } from '../tokens';
import { Columns } from './columns';
import { Lineage } from './lineage';
import { Preview } from './preview';
import { Snapshots } from './snapshots';

/** The page of a dataset. */
export default function DatasetPage({ reference, name, onTitle }: IPageProps): React.ReactElement {
  const { client, open, trans } = useWorkbench();
  const at = parseRef(reference)?.at ?? null;
  const query = useQuery(reference, signal => client.catalog.show(labelOf(reference), signal), {
    topics: ['dataset'],
    about: formatRef('dataset', name)
  });
  const { refresh: ask } = query;
  const { detail, update, follow } = useHeld(query.data);
  const refresh = useCallback((): void => {
    follow();
    void ask();
  }, [follow, ask]);
  useAgain(refresh);
  useEffect(() => {
    if (at !== null) {
      onTitle?.(trans.__('%1 as it was', name));
    }
  }, [at, name, onTitle, trans]);
  return (
    <>
      <PageHeader
        icon="catalog"
        title={name}
        reference={reference}
        pinned={formatRef('dataset', name, at ?? detail?.dataset.snapshot)}
        mark={at !== null && <Tag>{trans.__('older snapshot')}</Tag>}
      >
        <InsertButton code={detail?.code.python} />
        <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={refresh} />
      </PageHeader>
      <Result query={query}>
        {newest => (
          <Dataset
            detail={detail ?? newest}
            page={reference}
            onUpdate={at === null ? update : () => void open(formatRef('dataset', name))}
          />
        )}
      </Result>
    </>
  );
}

/**
 * The dataset as it was when the page was opened, until its user asks for what came since: rows
 * that someone reads do not jump. What is known of it without a new snapshot (owner, tags) is
 * always the newest. A table of a domain has no snapshots: its rows are those of the time at which it
 * was opened, however often it is written.
 */
export function useHeld(newest: IDatasetDetail | undefined): {
  detail: IDatasetDetail | undefined;
  /** Show the newest that is known. */
  update: () => void;
  /** Show the next answer. */
  follow: () => void;
} {
  const [held, hold] = useState<IDatasetDetail>();
  /** The answer after which the next one is shown. */
  const [last, setLast] = useState<IDatasetDetail>();
  const update = useCallback(() => hold(undefined), []);
  const follow = useCallback(() => setLast(newest), [newest]);
  if (newest && (!held || (last && last !== newest))) {
    hold(newest);
    setLast(undefined);
  }
  const detail = useMemo(
    () =>
      newest?.dataset.domain && held
        ? { ...newest, dataset: { ...newest.dataset, updated_at: held.dataset.updated_at } }
        : newest,
    [newest, held]
  );
  if (!newest || !held || held.dataset.snapshot === newest.dataset.snapshot) {
    return { detail, update, follow };
  }
  return {
    detail: { ...held, newer: Math.max(1, newest.snapshots - held.snapshots) },
    update,
    follow
  };
}

/** Do something each time that the page is asked for while it is open. */
function useAgain(act: () => void): void {
  const { turn } = useContext(PageContext);
  const drawn = useRef(turn);
  useEffect(() => {
    if (drawn.current !== turn) {
      drawn.current = turn;
      act();
    }
  }, [turn, act]);
}

type View = 'preview' | 'columns' | 'snapshots' | 'lineage';
/** The key of the page that led to the tab. */
type Asked = 'g' | 'f' | 'e' | null;

interface IDatasetProps {
  detail: IDatasetDetail;
  /** The reference of the page. */
  page: string;
  /** Show the newest snapshot. */
  onUpdate: () => void;
}

function Dataset({ detail, page, onUpdate }: IDatasetProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { dataset, schema } = detail;
  const [kept, setKept] = useMemory<View>(`view:${page}`, 'columns');
  // Asked for by one of its columns, the page shows that one until its user turns to another tab.
  const goal = useGoal('column');
  const [left, leave] = useState<IGoal>();
  const going = goal !== undefined && left?.turn !== goal.turn;
  const view = going ? 'columns' : kept;
  const setView = (tab: View): void => {
    leave(goal);
    setKept(tab);
  };
  // Asked for from another tab, it is done as soon as its own is drawn.
  const [asked, ask] = useState<Asked>(null);
  const go = (tab: View, what: Asked): void => {
    setView(tab);
    ask(what);
  };
  usePageVerb('mlinfra:catalog-go-to-row', () => go('preview', 'g'), view !== 'preview');
  usePageVerb('mlinfra:catalog-find-column', () => go('columns', 'f'), view !== 'columns');
  usePageVerb('mlinfra:catalog-profile', () => go('columns', 'e'), view !== 'columns');
  return (
    <>
      <DatasetFacts detail={detail} onUpdate={onUpdate} />
      <Tabs
        tabs={[
          { name: 'preview', label: trans.__('Preview') },
          { name: 'columns', label: trans.__('Columns') },
          ...(dataset.domain
            ? []
            : [
                { name: 'snapshots', label: trans.__('Snapshots') },
                { name: 'lineage', label: trans.__('Lineage') }
              ])
        ]}
        current={view}
        onSelect={name => go(name as View, null)}
        note={trans._n('%1 column', '%1 columns', schema.length)}
      >
        {view === 'preview' && (
          <Preview
            key={dataset.snapshot ?? dataset.updated_at}
            dataset={dataset}
            going={asked === 'g'}
          />
        )}
        {view === 'columns' && (
          <Columns
            detail={detail}
            asked={asked}
            goal={going ? goal : undefined}
            current={goal?.id}
          />
        )}
        {view === 'snapshots' && <Snapshots dataset={dataset} />}
        {view === 'lineage' && <Lineage dataset={dataset} />}
      </Tabs>
      <CodeDrawer code={detail.code} />
    </>
  );
}

function DatasetFacts({
  detail,
  onUpdate
}: Pick<IDatasetProps, 'detail' | 'onUpdate'>): React.ReactElement {
  const { trans } = useWorkbench();
  const { dataset, schema, newer } = detail;
  return (
    <Facts>
      <Num value={dataset.rows} strong unit={trans.__('rows')} />
      {trans._n('%1 column', '%1 columns', schema.length)}
      <b>{format.bytes(dataset.bytes)}</b>
      {dataset.snapshot && (
        <span title={dataset.snapshot}>
          {dataset.updated_at
            ? trans.__(
                'snapshot %1, %2 ago',
                short(dataset.snapshot),
                format.span(format.secondsSince(dataset.updated_at))
              )
            : trans.__('snapshot %1', short(dataset.snapshot))}
        </span>
      )}
      {dataset.domain && <Tag>{trans.__('table of %1, read-only', dataset.domain)}</Tag>}
      {dataset.owner && (
        <>
          {trans.__('owner')} <b>{dataset.owner}</b>
        </>
      )}
      {dataset.tags.length > 0 && dataset.tags.map(tag => <Tag key={tag}>{tag}</Tag>)}
      {newer > 0 && (
        <>
          <State state="pending">
            {trans._n('%1 snapshot newer', '%1 snapshots newer', newer)}
          </State>
          <Button
            label={trans.__('Update')}
            caption={trans.__('Show the newest snapshot')}
            onClick={onUpdate}
          />
        </>
      )}
      {dataset.description && <span title={dataset.description}>{dataset.description}</span>}
    </Facts>
  );
}
