import React from 'react';

import type { IModel, IPage, IVersion } from '../api/types';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { Tag } from '../components/tag';
import { Passed } from '../deployments/passed';
import { mainMetric } from '../experiments/metric';
import { useWorkbench } from '../hooks/context';
import { branch, useTree } from '../hooks/tree';
import type { IWorkbench } from '../tokens';
import { type IPlace, placesOf, testedPlace, useDeployed } from './deployed';

type Places = ReadonlyMap<number, readonly IPlace[]>;

const VERSIONS_SHOWN = 8;

/** Registered models and, unfolded, their versions. */
export function ModelsSection(): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  return (
    <ListSection
      name="models:models"
      list="models"
      title={trans.__('Models')}
      fetch={(limit, signal) => client.experiments.models({ limit }, signal)}
      topics={['model']}
      empty={() => (
        <EmptyCard
          sentence={trans.__('A model is what a run registered, in versions that can be deployed.')}
          action={{
            label: trans.__('Show Experiments'),
            caption: trans.__('Register… is on the page of a run'),
            onClick: () => void commands.execute('mlinfra:experiments-show')
          }}
          code="%models register RUN --model NAME"
        />
      )}
      body={(page, { at }) => <Models page={page} at={at} />}
    />
  );
}

function Models({ page, at }: { page: IPage<IModel>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const tree = useTree('models:open', page.items, name => client.experiments.model(name), {
    at,
    topics: ['model']
  });
  const deployments = useDeployed(page.items.some(({ ref }) => tree.open.has(ref)));
  const rows = page.items.flatMap(item =>
    branch(
      modelRow(item, workbench),
      tree,
      item.name,
      trans.__('Reading the versions…'),
      ({ versions }) =>
        versionRows(item, versions, placesOf(item.name, deployments ?? []), workbench)
    )
  );
  return <List label={trans.__('Models')} rows={rows} onToggle={tree.toggle} />;
}

function modelRow(item: IModel, { trans }: IWorkbench): IListRow {
  const champion = item.aliases.champion;
  return {
    id: item.ref,
    ref: item.ref,
    icon: 'models',
    name: item.name,
    title: item.description || item.name,
    meta: champion
      ? trans.__('v%1 champion', champion)
      : trans._n('%1 version', '%1 versions', item.versions)
  };
}

/** The newest versions, and how many more there are. */
function versionRows(
  item: IModel,
  versions: readonly IVersion[],
  places: Places,
  workbench: IWorkbench
): IListRow[] {
  const { trans } = workbench;
  const rest = item.versions - Math.min(VERSIONS_SHOWN, versions.length);
  const rows = versions
    .slice(0, VERSIONS_SHOWN)
    .map(version => versionRow(version, places, workbench));
  if (rest > 0) {
    const words = trans._n('%1 more version', '%1 more versions', rest);
    rows.push({
      id: `${item.ref}+`,
      ref: item.ref,
      level: 1,
      name: <span className={cx('link')}>{words}</span>
    });
  }
  return rows;
}

function versionRow(version: IVersion, places: Places, { trans }: IWorkbench): IListRow {
  const metric = mainMetric(version);
  const tested = testedPlace(places.get(version.version));
  return {
    id: version.ref,
    ref: version.ref,
    item: version,
    level: 1,
    name: (
      <>
        v{version.version}{' '}
        {version.aliases.map(alias => (
          <Tag key={alias}>{alias}</Tag>
        ))}
      </>
    ),
    meta: (
      <>
        {tested && (
          <span title={trans.__('Tests before traffic, in %1', tested.deployment)}>
            <Passed version={tested.version} named />
          </span>
        )}
        {metric && (
          <span title={metric}>
            <Num value={version.metrics[metric]} />
          </span>
        )}
      </>
    )
  };
}
