import React from 'react';

import type { IModel, IModelDetail, IPage, IVersion } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { Tag } from '../components/tag';
import { mainMetric } from '../experiments/metric';
import { useWorkbench } from '../hooks/context';
import { type IDetail, unfolded, useDetails } from '../hooks/details';
import { useList } from '../hooks/list';
import { useMemorySet } from '../hooks/memory';
import type { IWorkbench } from '../tokens';

const VERSIONS_SHOWN = 8;

/** Registered models and, unfolded, their versions. */
export function ModelsSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('models:models');
  const { query, onMore } = useList(
    'models',
    (limit, signal) => client.experiments.models({ limit }, signal),
    {
      topics: ['model'],
      when: section.drawn
    }
  );
  return (
    <Section
      {...section}
      title={trans.__('Models')}
      note={section.open && query.data && trans.__('%1 of %2', query.data.shown, query.data.total)}
      body={() => (
        <Result query={query}>
          {page => (
            <>
              <Models page={page} at={query.at} />
              <More page={page} onMore={onMore} />
            </>
          )}
        </Result>
      )}
    />
  );
}

function Models({ page, at }: { page: IPage<IModel>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, commands, trans } = workbench;
  const [open, toggle] = useMemorySet('models:open');
  const under = useDetails(unfolded(page.items, open), name => client.experiments.model(name), {
    at,
    topics: ['model']
  });
  if (!page.items.length) {
    return (
      <EmptyCard
        sentence={trans.__('A model is what a run registered, in versions that can be deployed.')}
        action={{
          label: trans.__('Show Experiments'),
          caption: trans.__('Register… is on the page of a run'),
          onClick: () => void commands.execute('mlinfra:experiments-show')
        }}
        code="%models register RUN --model NAME"
      />
    );
  }
  const rows = page.items.flatMap(item =>
    modelRows(item, open.has(item.ref), under.get(item.name), workbench)
  );
  return <List label={trans.__('Models')} rows={rows} onToggle={toggle} />;
}

function modelRows(
  item: IModel,
  shown: boolean,
  detail: IDetail<IModelDetail> | undefined,
  { trans }: IWorkbench
): IListRow[] {
  const champion = item.aliases.champion;
  const row: IListRow = {
    id: item.ref,
    ref: item.ref,
    open: shown,
    icon: 'models',
    name: item.name,
    title: item.description || item.name,
    meta: champion
      ? trans.__('v%1 champion', champion)
      : trans._n('%1 version', '%1 versions', item.versions)
  };
  if (!shown) {
    return [row];
  }
  if (!detail?.data) {
    return [
      row,
      {
        id: `${item.ref}?`,
        level: 1,
        name: detail?.error ? detail.error.what : trans.__('Reading the versions…')
      }
    ];
  }
  const rest = item.versions - Math.min(VERSIONS_SHOWN, detail.data.versions.length);
  const more: IListRow[] =
    rest > 0
      ? [
          {
            id: `${item.ref}+`,
            ref: item.ref,
            level: 1,
            name: (
              <span className={cx('link')}>
                {trans._n('%1 more version', '%1 more versions', rest)}
              </span>
            )
          }
        ]
      : [];
  return [row, ...detail.data.versions.slice(0, VERSIONS_SHOWN).map(versionRow), ...more];
}

function versionRow(version: IVersion): IListRow {
  const metric = mainMetric(version);
  return {
    id: version.ref,
    ref: version.ref,
    level: 1,
    name: (
      <>
        v{version.version}{' '}
        {version.aliases.map(alias => (
          <Tag key={alias}>{alias}</Tag>
        ))}
      </>
    ),
    meta: metric && (
      <span title={metric}>
        <Num value={version.metrics[metric]} />
      </span>
    )
  };
}
