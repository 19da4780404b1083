import React from 'react';

import type { IDeployment, INumber } from '../api/types';
import { codeOf } from '../code/snippets';
import { Age } from '../components/age';
import { EmptyCard } from '../components/card';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { BasisMark, Num, SharedBasis, sharedBasis } from '../components/number';
import { Sparkline } from '../components/sparkline';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { nameOf } from '../refs';
import type { IWorkbench } from '../tokens';
import { deployRef } from './deployref';
import { VersionDrop } from './dropping';

/** The deployments of the project: state, rate, latency. */
export function DeploymentsSection(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  return (
    <ListSection
      name="models:deployments"
      list="deployments"
      title={trans.__('Deployments')}
      fetch={(limit, signal) => client.deployments.list({ limit }, signal)}
      topics={['deployment']}
      every={() => 10_000}
      lines={1}
      empty={() => <NoDeployments />}
      body={page => (
        <VersionDrop>
          <List
            label={trans.__('Deployments')}
            rows={page.items.map(item => deploymentRow(item, workbench))}
          />
        </VersionDrop>
      )}
    />
  );
}

/**
 * The first deployment is of a version that there is; without one there is nothing to deploy yet.
 */
function NoDeployments(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { data: deploy } = useQuery(
    'deployments:first',
    async signal => {
      const [model] = (await client.experiments.models({ limit: 1 }, signal)).items;
      const versions = model ? (await client.experiments.model(model.name, signal)).versions : [];
      const version = versions.find(({ aliases }) => aliases.includes('champion')) ?? versions[0];
      return version
        ? codeOf(workbench, {
            call: 'deployments-deploy',
            values: { version: nameOf(version.ref) }
          })
        : null;
    },
    { topics: ['model'] }
  );
  return deploy?.magic ? (
    <EmptyCard
      sentence={trans.__('A deployment answers requests with a model version.')}
      action={{
        label: trans.__('Deploy a Version…'),
        onClick: () => void workbench.open(deployRef(null))
      }}
      code={deploy.magic}
    />
  ) : (
    <EmptyCard
      sentence={trans.__(
        'A deployment answers requests with a model version. There is no version yet: register the model of a run.'
      )}
      code="%models register RUN --model NAME"
    />
  );
}

/** The sum of the rates of all versions; null before the first request. */
export function rate({ versions }: IDeployment): INumber | null {
  const rates = versions.flatMap(version => version.requests_per_second ?? []);
  const [first] = rates;
  return first
    ? { ...first, value: rates.reduce((sum, number) => sum + Number(number.value ?? 0), 0) }
    : null;
}

/** When its figures were measured, if that is too long ago to tell of now. */
export const staleSince = ({ versions }: IDeployment): string | undefined =>
  versions.flatMap(({ stale_since: since }) => since ?? []).sort()[0];

const MINUTES = 60;

/** The requests of the last hour by the minute; the present minute is not over. */
function Requests({ deployment }: { deployment: IDeployment }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const counts = deployment.requests_by_minute.slice(0, -1);
  const most = Math.max(0, ...counts);
  return most > 0 ? (
    <Sparkline
      label={trans.__('Requests of the last hour, at most %1 a minute', format.compact(most))}
      points={counts.map((count, place) => ({
        x: 1 - (counts.length - place - 1) / (MINUTES - 1),
        y: count
      }))}
      most={most}
      series={1}
    />
  ) : null;
}

function deploymentRow(deployment: IDeployment, { trans }: IWorkbench): IListRow {
  const answering = deployment.versions.filter(version => version.traffic > 0);
  const latency = answering[0]?.p95_ms ?? null;
  const perSecond = rate(deployment);
  const stale = staleSince(deployment);
  const shared = sharedBasis([perSecond, latency], trans);
  return {
    id: deployment.ref,
    ref: deployment.ref,
    item: deployment,
    lead: <State state={deployment.state} bare />,
    name: deployment.name,
    title: deployment.url,
    lines:
      answering.length > 1 &&
      answering.map(version => `${version.version} ${version.traffic} %`).join(' · '),
    meta: (
      <>
        <Requests deployment={deployment} />
        {stale && <Age at={stale} limit={0} />}
        <SharedBasis.Provider value={shared?.mark ?? null}>
          {perSecond && (
            <Num value={perSecond} format={value => trans.__('%1/s', format.number(value, 3))} />
          )}
          {latency && (
            <Num value={latency} format={value => trans.__('%1 ms', format.number(value, 3))} />
          )}
        </SharedBasis.Provider>
        {shared && <BasisMark {...shared} />}
      </>
    )
  };
}
