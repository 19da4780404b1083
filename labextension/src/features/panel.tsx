import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useRef, useState } from 'react';

import type { IFeature, IPage, IView } from '../api/types';
import { pythonOf } from '../code/snippets';
import { Age } from '../components/age';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import type { IRemoved } from '../components/rows';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { Pinned, Recent } from '../components/shelf';
import { State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useQuery } from '../hooks/query';
import { branch, useTree } from '../hooks/tree';
import { kinds } from '../kinds';
import { putBack } from '../order';
import { parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { ColumnShape, columnOf } from '../catalog/figures';
import { DefineForm } from './define';
import { DEFINING } from './defining';
import { useStatistics } from './features';
import { deprecatedWords, isHistorical, onlineWords } from './fresh';
import { Entities, SavedSets } from './registered';
import { featureRow, type IBasketProps } from './rows';
import { Services } from './services';
import { StoreForm } from './store';

const MOST = 500;

/** The Features panel: a basket of picked features, and the feature views. */
export default function FeaturesPanel(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [picked, pick] = useMemory<readonly string[]>('features:basket', []);
  const [defining, define] = useMemory(DEFINING, false);
  return (
    <>
      <Basket picked={picked} onPick={pick} />
      {defining && <DefineForm onClose={() => define(false)} />}
      <ListSection
        name="features:views"
        list="views"
        title={trans.__('Feature views')}
        fetch={(limit, signal) => client.features.views({ limit }, signal)}
        topics={['view']}
        empty={() => <NoViews />}
        body={(page, { at }) => <Views page={page} picked={picked} onPick={pick} at={at} />}
      >
        <Button
          bare
          kind="quiet"
          icon="plus"
          label={trans.__('Define…')}
          onClick={() => define(!defining)}
        />
      </ListSection>
      <Services picked={picked} onPick={pick} />
      <Entities />
      <SavedSets />
      <Pinned name="features:pinned" title={trans.__('Pinned')} kinds={kinds.of('features')} />
      <Recent name="features:recent" kinds={kinds.of('features')} />
    </>
  );
}

/** Features of many views that become one training set. */
function Basket({ picked, onPick }: IBasketProps): React.ReactElement {
  const workbench = useWorkbench();
  const { code, trans } = workbench;
  const { run } = useAction();
  const section = useOpen('features:basket');
  const [storing, store] = useState(false);
  const views = new Set(picked.map(ref => parseRef(ref)?.parts[0]));
  const now = useRef(picked);
  useEffect(() => void (now.current = picked));
  const remove = (refs: readonly string[]): IRemoved => {
    onPick(picked.filter(ref => !refs.includes(ref)));
    return {
      message: trans._n('%1 feature is deselected.', '%1 features are deselected.', refs.length),
      undo: () => {
        const gone = refs.filter(ref => !now.current.includes(ref));
        onPick(gone.reduce((list, ref) => putBack(list, ref, picked), now.current));
      }
    };
  };
  const rows = picked.map((ref): IListRow => {
    const [view, feature] = parseRef(ref)?.parts ?? [];
    return {
      id: ref,
      ref,
      icon: 'features',
      name: (
        <>
          <span className={cx('quiet')}>{view}:</span>
          {feature}
        </>
      ),
      meta: (
        <Button
          bare
          kind="quiet"
          icon="close"
          label={trans.__('Remove')}
          onClick={() => onPick(picked.filter(other => other !== ref))}
        />
      )
    };
  });
  return (
    <Section
      {...section}
      title={trans.__('Selected')}
      note={
        picked.length > 0
          ? trans._n('%2 from %1 view', '%2 from %1 views', views.size, picked.length)
          : undefined
      }
      body={() =>
        rows.length ? (
          <>
            <List label={trans.__('Selected features')} rows={rows} onRemove={remove} />
            <Deprecated views={views} />
            {storing && <StoreForm picked={picked} onClose={() => store(false)} />}
          </>
        ) : (
          <p className={cx('more')}>
            {trans.__('Pick features with Space; they become one training set.')}
          </p>
        )
      }
    >
      {picked.length > 0 && (
        <>
          <Button
            kind="primary"
            label={trans.__('Insert')}
            onClick={() => void run(() => code.insertBelow(pythonOf(workbench, picked)))}
          />
          <Button
            bare
            kind="quiet"
            icon="catalog"
            label={trans.__('Store as a Training Set…')}
            caption={trans.__('Join them to the rows of a dataset, and store the training set')}
            onClick={() => store(!storing)}
          />
          <Button
            bare
            kind="quiet"
            icon="close"
            label={trans.__('Empty the Selection')}
            onClick={() => onPick([])}
          />
        </>
      )}
    </Section>
  );
}

/** Which of the views that a training set is made of nobody should take any more. */
function Deprecated({ views }: { views: ReadonlySet<string | undefined> }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { data } = useQuery(
    'features:deprecated',
    signal => client.features.views({ query: 'deprecated', limit: MOST }, signal),
    { topics: ['view'] }
  );
  const old = data?.items.filter(view => views.has(view.name) && view.deprecated !== null) ?? [];
  return (
    <>
      {old.map(view => (
        <p key={view.ref} className={cx('more', 'tone-wait')}>
          {deprecatedWords(view, trans)}
        </p>
      ))}
    </>
  );
}

interface IViewsProps extends IBasketProps {
  page: IPage<IView>;
  at: number;
}

function Views({ page, picked, onPick, at }: IViewsProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const tree = useTree(
    'features:open',
    page.items,
    async name => (await client.features.features({ view: name, limit: MOST })).items,
    { at, topics: ['view'], key: ref => `features:${ref}` }
  );
  const select = (selection: ReadonlySet<string>): void =>
    onPick([...selection].filter(ref => parseRef(ref)?.kind === 'feature'));
  const rows = page.items.flatMap(view =>
    branch(viewRow(view, workbench), tree, view.name, trans.__('Reading the features…'), features =>
      featureRows(view, features, { picked, onPick }, workbench)
    )
  );
  return (
    <List
      label={trans.__('Feature views')}
      rows={rows}
      selection={new Set(picked)}
      onSelect={select}
      onToggle={tree.toggle}
    />
  );
}

/** The first view is made of a dataset that there is. */
function NoViews(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    'features:example',
    signal => client.code({ call: 'features-example', values: {} }, signal),
    { topics: ['dataset'] }
  );
  return (
    <Result query={query} rows={1}>
      {({ python }) =>
        python ? (
          <EmptyCard
            sentence={trans.__(
              'A feature is a column that training and serving read alike. The example makes a view of a dataset that is there and applies it.'
            )}
            insert={trans.__('Insert an Example')}
            code={python}
          />
        ) : (
          <EmptyCard
            sentence={trans.__(
              'A feature is a column that training and serving read alike. It is made of a dataset with a key, a column of moments and numbers: there is none yet.'
            )}
            code="mlinfra catalog ingest data/*.parquet --into demo.table"
          />
        )
      }
    </Result>
  );
}

/** The age of what is online; the day, where the data are of the past. */
function Freshness({ view }: { view: IView }): React.ReactElement {
  const { trans } = useWorkbench();
  if (view.freshness !== 'fresh' || !view.online_at) {
    return <State state={view.freshness} />;
  }
  return isHistorical(view) ? (
    <span title={onlineWords(view, trans)}>{trans.__('until %1', format.day(view.online_at))}</span>
  ) : (
    <Age at={view.online_at} />
  );
}

function viewRow(view: IView, { trans }: IWorkbench): IListRow {
  return {
    id: view.ref,
    ref: view.ref,
    item: view,
    icon: 'features',
    name: view.name,
    note: noteOf(view, trans),
    title: `${view.description || view.name}\n${trans._n('%1 feature', '%1 features', view.features)}`,
    meta: (
      <>
        <span className={cx('is-extra')}>
          <Num value={view.features} unit={trans._n('feature', 'features', view.features)} />
        </span>
        <Freshness view={view} />
      </>
    ),
    lines: view.problem && <Reason text={[view.problem, view.fix].filter(Boolean).join(' ')} />
  };
}

/** Why a row cannot be used: two lines of it, the rest under the pointer and on its page. */
const Reason = ({ text }: { text: string }): React.ReactElement => (
  <div className={cx('reason')} title={text}>
    {text}
  </div>
);

/** What a view is, where it is no plain one: its version, what makes its values, its end. */
function noteOf({ kind, version, deprecated }: IView, trans: TranslationBundle): string {
  const kinds = {
    batch: '',
    stream: trans.__('stream'),
    on_demand: trans.__('on demand'),
    label: trans.__('labels')
  };
  const old = deprecated === null ? '' : trans.__('deprecated');
  return [version ? `v${version}` : '', kinds[kind], old].filter(Boolean).join(' ');
}

/** The distribution of a feature, once it is known. */
function FeatureShape({ view, name }: { view: IView; name: string }): React.ReactElement | null {
  const shape = columnOf(useStatistics(view).data?.profile, name)?.shape;
  return shape ? <ColumnShape name={name} shape={shape} width={44} height={14} /> : null;
}

/** The features of a view to pick from, and how many more there are. */
function featureRows(
  view: IView,
  features: readonly IFeature[],
  basket: IBasketProps,
  { trans }: IWorkbench
): IListRow[] {
  const rows = features.map((feature): IListRow => {
    const row = featureRow(feature, basket, trans.__('Select'));
    const meta = (
      <>
        <FeatureShape view={view} name={feature.name} />
        {row.meta}
      </>
    );
    return { ...row, meta };
  });
  const rest = view.features - features.length;
  if (rest > 0) {
    const words = trans._n('%1 more feature', '%1 more features', rest);
    rows.push({
      id: `${view.ref}+`,
      ref: view.ref,
      level: 1,
      name: <span className={cx('link')}>{words}</span>
    });
  }
  return rows;
}
