import '../../style/catalog.css';

import React from 'react';

import type { IDataset, IDatasetDetail, IPage, IProfile } from '../api/types';
import { Age } from '../components/age';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { Pinned, Recent } from '../components/shelf';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemorySet } from '../hooks/memory';
import { useQuery } from '../hooks/query';
import { branch, type ITree, useTree } from '../hooks/tree';
import { kinds } from '../kinds';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { columnOf, ColumnShape, missing } from './figures';

const DAY = 86_400;
const MOST = 500;
const COLUMNS_SHOWN = 8;

interface IUnder {
  detail: IDatasetDetail;
  profile: IProfile | null;
}

/** The Catalog panel: namespaces, datasets and, unfolded, their columns. */
export default function CatalogPanel(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('catalog:namespaces');
  const query = useQuery('datasets', signal => client.catalog.list({ limit: MOST }, signal), {
    topics: ['dataset', 'deployment', 'monitor'],
    when: section.drawn
  });
  const page = query.data;
  return (
    <>
      <Pinned
        name="catalog:favourites"
        title={trans.__('Favourites')}
        kinds={kinds.of('catalog')}
        empty={trans.__('Pin a dataset or a column with p.')}
      />
      <Section
        {...section}
        title={trans.__('Namespaces')}
        note={section.open && page && trans._n('%1 dataset', '%1 datasets', page.total)}
        body={() => (
          <Result query={query}>{data => <Namespaces page={data} at={query.at} />}</Result>
        )}
      />
      <Recent name="catalog:recent" kinds={kinds.of('catalog')} />
    </>
  );
}

function Namespaces({ page, at }: { page: IPage<IDataset>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [closed, toggleNamespace] = useMemorySet('catalog:closed');
  const tree = useTree('catalog:open', page.items, name => columnsOf(workbench, name), {
    at,
    topics: ['dataset'],
    key: ref => `columns:${ref}`
  });
  if (!page.items.length) {
    return (
      <EmptyCard
        sentence={trans.__('A dataset is a table the workbench can search, version and trace.')}
        insert={trans.__('Insert an Ingest')}
        code="mlinfra catalog ingest data/*.parquet --into demo.table"
        door="cli"
      />
    );
  }
  const rows = rowsOf(page.items, closed, tree, workbench);
  return (
    <>
      <List
        label={trans.__('Datasets')}
        rows={rows}
        onToggle={id => (id.startsWith('namespace:') ? toggleNamespace(id) : tree.toggle(id))}
      />
      <More page={page} />
    </>
  );
}

/** Schema and a sampled profile; the profile may be missing without harm. */
async function columnsOf({ client }: IWorkbench, name: string): Promise<IUnder> {
  const [detail, profile] = await Promise.all([
    client.catalog.show(name),
    client.catalog.profile(name, 'sample').catch(() => null)
  ]);
  return { detail, profile };
}

function rowsOf(
  datasets: readonly IDataset[],
  closed: ReadonlySet<string>,
  tree: ITree<IUnder>,
  workbench: IWorkbench
): IListRow[] {
  const namespaces = [...new Set(datasets.map(item => item.namespace))].sort();
  return namespaces.flatMap(namespace => {
    const id = `namespace:${namespace}`;
    const inside = datasets.filter(item => item.namespace === namespace);
    const shown = !closed.has(id);
    const head: IListRow = {
      id,
      open: shown,
      name: namespace,
      meta: workbench.trans._n('%1 dataset', '%1 datasets', inside.length)
    };
    return [
      head,
      ...(shown
        ? inside.flatMap(dataset =>
            branch(
              datasetRow(dataset),
              tree,
              dataset.name,
              workbench.trans.__('Reading the columns…'),
              under => columnRows(dataset, under, workbench)
            )
          )
        : [])
    ];
  });
}

function datasetRow(dataset: IDataset): IListRow {
  return {
    id: dataset.ref,
    ref: dataset.ref,
    pinned: dataset.snapshot ? `${dataset.ref}@${dataset.snapshot}` : undefined,
    level: 1,
    icon: 'catalog',
    name: dataset.name.slice(dataset.namespace.length + 1),
    title: dataset.description || dataset.name,
    meta: (
      <>
        <Num value={dataset.rows} format={format.compact} />
        <Age at={dataset.updated_at} limit={7 * DAY} />
      </>
    )
  };
}

function columnRows(
  dataset: IDataset,
  { detail: { schema }, profile }: IUnder,
  { trans }: IWorkbench
): IListRow[] {
  const rows = schema.slice(0, COLUMNS_SHOWN).map(({ name, type }): IListRow => {
    const ref = formatRef('column', [dataset.name, name]);
    return {
      id: ref,
      ref,
      level: 2,
      name,
      note: type,
      meta: <ColumnMeta name={name} profile={profile} />
    };
  });
  const rest = schema.length - COLUMNS_SHOWN;
  if (rest > 0) {
    rows.push({
      id: `${dataset.ref}+`,
      ref: dataset.ref,
      level: 2,
      name: (
        <span className={cx('link')}>{trans._n('%1 more column', '%1 more columns', rest)}</span>
      )
    });
  }
  return rows;
}

interface IColumnMetaProps {
  name: string;
  profile: IProfile | null;
}

function ColumnMeta({ name, profile }: IColumnMetaProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const column = columnOf(profile, name);
  if (!column) {
    return null;
  }
  return (
    <>
      {column.shape && <ColumnShape name={name} shape={column.shape} />}
      <span className={cx('catalog-column-note')} title={trans.__('missing values')}>
        <Num value={missing(column, profile)} format={value => `${format.percent(value, 1)} ∅`} />
      </span>
    </>
  );
}
