import '../../style/catalog.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset, IDatasetDetail, INamespace, IPage, IProfile } from '../api/types';
import { Age } from '../components/age';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { Pinned, Recent } from '../components/shelf';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useMemorySet } from '../hooks/memory';
import { branch, type ITree, useTree } from '../hooks/tree';
import { kinds } from '../kinds';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { columnOf, ColumnShape, missing } from './figures';
import { type IInside, useInside } from './inside';
import { Trash } from './trash';

const DAY = 86_400;
/** With so many datasets all namespaces are unfolded at first. */
const FEW = 100;
const COLUMNS_SHOWN = 8;

interface IUnder {
  detail: IDatasetDetail;
  profile: IProfile | null;
}

/** The Catalog panel: namespaces, datasets and, unfolded, their columns. */
export default function CatalogPanel(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('catalog:namespaces');
  const { query, onMore } = useList(
    'namespaces',
    (limit, signal) => client.catalog.namespaces({ limit }, signal),
    { topics: ['dataset', 'deployment', 'monitor'], when: section.drawn }
  );
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
        note={section.open && page && noteOf(page, trans)}
        body={() => (
          <Result query={query}>
            {data => (
              <>
                <Namespaces page={data} at={query.at} />
                <More page={data} onMore={onMore} />
              </>
            )}
          </Result>
        )}
      />
      <Recent name="catalog:recent" kinds={kinds.of('catalog')} />
      <Trash />
    </>
  );
}

const datasetsIn = ({ items }: IPage<INamespace>): number =>
  items.reduce((sum, { datasets }) => sum + datasets, 0);

/** How many datasets there are; how many namespaces, where not all are shown. */
function noteOf(page: IPage<INamespace>, trans: TranslationBundle): string {
  return page.shown < page.total
    ? trans.__('%1 of %2', format.number(page.shown), format.number(page.total))
    : trans._n('%2 dataset', '%2 datasets', datasetsIn(page), format.number(datasetsIn(page)));
}

interface INamespacesProps {
  page: IPage<INamespace>;
  at: number;
}

function Namespaces({ page, at }: INamespacesProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  // Of many datasets only those are asked for whose namespace the user unfolds.
  const few = page.shown === page.total && datasetsIn(page) <= FEW;
  const [toggled, toggle] = useMemorySet(few ? 'catalog:closed' : 'catalog:unfolded');
  const isOpen = ({ name }: INamespace): boolean => few !== toggled.has(idOf(name));
  const open = page.items.filter(isOpen);
  const inside = useInside(open, at);
  const datasets = open.flatMap(({ name }) => inside.of(name).datasets);
  const tree = useTree('catalog:open', datasets, name => columnsOf(workbench, name), {
    at,
    topics: ['dataset'],
    key: ref => `columns:${ref}`
  });
  if (!page.items.length) {
    return (
      <EmptyCard
        sentence={trans.__('A dataset is a table the workbench can search, version and trace.')}
        action={{
          label: trans.__('Register Data…'),
          onClick: () => void workbench.commands.execute('mlinfra:catalog-register')
        }}
        code="%catalog ingest data/*.parquet --into demo.table"
      />
    );
  }
  const rows = page.items.flatMap(namespace => {
    const head: IListRow = {
      id: idOf(namespace.name),
      open: isOpen(namespace),
      name: namespace.name,
      meta: trans._n(
        '%2 dataset',
        '%2 datasets',
        namespace.datasets,
        format.number(namespace.datasets)
      )
    };
    return head.open
      ? [head, ...insideRows(namespace, inside.of(namespace.name), tree, workbench)]
      : [head];
  });
  return (
    <List
      label={trans.__('Datasets')}
      rows={rows}
      onToggle={id => {
        const more = page.items.find(({ name }) => `${idOf(name)}+` === id);
        if (more) {
          inside.more(more.name);
        } else if (id.startsWith('namespace:')) {
          toggle(id);
        } else {
          tree.toggle(id);
        }
      }}
    />
  );
}

const idOf = (namespace: string): string => `namespace:${namespace}`;

/** Schema and a sampled profile; the profile may be missing without harm. */
async function columnsOf({ client }: IWorkbench, name: string): Promise<IUnder> {
  const [detail, profile] = await Promise.all([
    client.catalog.show(name),
    client.catalog.profile(name, { tier: 'sample' }).catch(() => null)
  ]);
  return { detail, profile };
}

/** The datasets of a namespace, and the way to those that are not read yet. */
function insideRows(
  { name, datasets: total }: INamespace,
  { datasets, reading, error }: IInside,
  tree: ITree<IUnder>,
  workbench: IWorkbench
): IListRow[] {
  const { trans } = workbench;
  const rows = datasets.flatMap(dataset =>
    branch(datasetRow(dataset), tree, dataset.name, trans.__('Reading the columns…'), under =>
      columnRows(dataset, under, workbench)
    )
  );
  const left = total - datasets.length;
  const place = { id: `${idOf(name)}?`, level: 1 };
  if (error) {
    rows.push({ ...place, name: error.what, title: error.message, lines: error.fix });
  } else if (reading) {
    rows.push({ ...place, name: trans.__('Reading the datasets…') });
  } else if (left > 0) {
    rows.push({
      id: `${idOf(name)}+`,
      level: 1,
      open: false,
      name: (
        <span className={cx('link')}>
          {trans.__('next of %1 more datasets', format.number(left))}
        </span>
      )
    });
  }
  return rows;
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
        {Object.entries(dataset.signs).map(([sign, why]) => (
          <State key={sign} state={sign} title={why} bare />
        ))}
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
