import React, { useState } from 'react';

import type { IDatasetDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { CodeDrawer } from '../components/drawer';
import { usePageKey } from '../components/frame';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { State } from '../components/state';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps } from '../tokens';
import { Columns } from './columns';
import { Lineage } from './lineage';
import { Preview } from './preview';
import { Snapshots } from './snapshots';

/** The page of a dataset. */
export default function DatasetPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.catalog.show(name, signal), {
    topics: ['dataset'],
    about: reference
  });
  const dataset = query.data?.dataset;
  return (
    <>
      <PageHeader
        icon="catalog"
        title={name}
        reference={reference}
        pinned={formatRef('dataset', name, dataset?.snapshot)}
      >
        <InsertButton code={query.data?.code.python} />
        <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={() => void query.refresh()} />
      </PageHeader>
      <Result query={query}>{detail => <Dataset detail={detail} query={query} />}</Result>
    </>
  );
}

type View = 'preview' | 'columns' | 'snapshots' | 'lineage';
/** The key of the page that led to the tab. */
type Asked = 'g' | 'f' | 'e' | null;

function Dataset({ detail, query }: { detail: IDatasetDetail; query: IQuery<IDatasetDetail> }): React.ReactElement {
  const { trans } = useWorkbench();
  const { dataset, schema } = detail;
  const [view, setView] = useMemory<View>(`view:${dataset.ref}`, 'columns');
  // Asked for from another tab, it is done as soon as its own is drawn.
  const [asked, ask] = useState<Asked>(null);
  const go = (tab: View, what: Asked): void => {
    setView(tab);
    ask(what);
  };
  usePageKey('g', trans.__('go to row'), () => go('preview', 'g'), view !== 'preview');
  usePageKey('f', trans.__('find a column'), () => go('columns', 'f'), view !== 'columns');
  usePageKey('e', trans.__('exact profile'), () => go('columns', 'e'), view !== 'columns');
  return (
    <>
      <DatasetFacts detail={detail} query={query} />
      <Tabs
        tabs={[
          { name: 'preview', label: trans.__('Preview') },
          { name: 'columns', label: trans.__('Columns') },
          { name: 'snapshots', label: trans.__('Snapshots') },
          { name: 'lineage', label: trans.__('Lineage') }
        ]}
        current={view}
        onSelect={name => go(name as View, null)}
        note={trans._n('%1 column', '%1 columns', schema.length)}
      >
        {view === 'preview' && <Preview key={dataset.snapshot} dataset={dataset} going={asked === 'g'} />}
        {view === 'columns' && <Columns detail={detail} asked={asked} />}
        {view === 'snapshots' && <Snapshots dataset={dataset} />}
        {view === 'lineage' && <Lineage dataset={dataset} />}
      </Tabs>
      <CodeDrawer code={detail.code} />
    </>
  );
}

function DatasetFacts({
  detail,
  query
}: {
  detail: IDatasetDetail;
  query: IQuery<IDatasetDetail>;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { dataset, schema, newer } = detail;
  return (
    <Facts>
      <Num value={dataset.rows} strong unit={trans.__('rows')} />
      {trans._n('%1 column', '%1 columns', schema.length)}
      <b>{format.bytes(dataset.bytes)}</b>
      {dataset.snapshot && (
        <span>
          {dataset.updated_at
            ? trans.__('snapshot %1, %2 ago', dataset.snapshot, format.span(format.secondsSince(dataset.updated_at)))
            : trans.__('snapshot %1', dataset.snapshot)}
        </span>
      )}
      {dataset.owner && (
        <>
          {trans.__('owner')} <b>{dataset.owner}</b>
        </>
      )}
      {dataset.tags.length > 0 && dataset.tags.map(tag => <Tag key={tag}>{tag}</Tag>)}
      {newer > 0 && (
        <>
          <State state="pending">{trans._n('%1 snapshot newer', '%1 snapshots newer', newer)}</State>
          <Button label={trans.__('Update')} onClick={() => void query.refresh()} />
        </>
      )}
      {dataset.description && <span title={dataset.description}>{dataset.description}</span>}
    </Facts>
  );
}
