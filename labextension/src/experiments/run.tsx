import React, { useEffect, useMemo, useState } from 'react';

import type { ICurve, IRun } from '../api/types';
import { ActionButton } from '../components/action';
import { Button, Link } from '../components/button';
import { Loading, Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Later } from '../components/later';
import { Num } from '../components/number';
import { Pairs } from '../components/pairs';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { Table } from '../components/table';
import * as format from '../format';
import { useCode } from '../hooks/code';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, Lazy } from '../tokens';
import type { ICurvesProps } from './curves';
import { mainMetric } from './metric';

/** Drawn by code of its own, which is fetched with the first curve. */
const curvesChart: Lazy<ICurvesProps> = () => import('./curves');

/** The page of a run. */
export default function RunPage({ reference, name, onTitle }: IPageProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const query = useQuery(reference, signal => client.experiments.run(name, signal), {
    topics: ['run'],
    about: reference,
    every: run => (!run || run.status === 'running' ? 5_000 : null)
  });
  const run = query.data;
  const { code } = useCode([reference]);
  const title = run?.name && `${run.name} ${run.id.slice(0, 4)}`;
  useEffect(() => {
    if (title) {
      onTitle?.(title);
    }
  }, [title, onTitle]);
  return (
    <>
      <PageHeader
        icon="experiments"
        title={(run?.name ?? '') || trans.__('run %1', format.shortId(name))}
        reference={reference}
        mark={run && <State state={run.status} tag />}
      >
        {run && (
          <Button
            icon="experiments"
            label={run.experiment}
            caption={trans.__('Open the experiment')}
            onClick={() => void open(formatRef('experiment', run.experiment))}
          />
        )}
        {run && (
          <ActionButton
            command="mlinfra:runs-register"
            target={run}
            label={trans.__('Register…')}
            busyLabel={trans.__('Registering…')}
          />
        )}
        <InsertButton code={code?.python} />
      </PageHeader>
      <Result query={query}>{data => <Run run={data} />}</Result>
    </>
  );
}

function Run({ run }: { run: IRun }): React.ReactElement {
  const { trans } = useWorkbench();
  const [view, setView] = useState('metrics');
  return (
    <>
      <RunFacts run={run} />
      <Tabs
        tabs={[
          { name: 'metrics', label: trans.__('Metrics') },
          { name: 'parameters', label: trans.__('Parameters') },
          { name: 'origin', label: trans.__('Origin') },
          { name: 'tags', label: trans.__('Tags') }
        ]}
        current={view}
        onSelect={setView}
      >
        {view === 'metrics' && <Metrics run={run} />}
        {view === 'parameters' && (
          <Pairs pairs={Object.entries(run.params)} empty={trans.__('It logged no parameters.')} />
        )}
        {view === 'origin' && <Origin run={run} />}
        {view === 'tags' && (
          <Pairs pairs={Object.entries(run.tags)} empty={trans.__('It has no tags.')} />
        )}
      </Tabs>
      <CallCode call={[run.ref]} />
    </>
  );
}

function RunFacts({ run }: { run: IRun }): React.ReactElement {
  const { trans } = useWorkbench();
  const metric = mainMetric(run);
  return (
    <Facts>
      {metric && (
        <>
          {metric} <Num value={run.metrics[metric]} strong />
        </>
      )}
      <>{trans.__('started %1', format.time(run.started_at))}</>
      <>
        {trans.__('took')} <b>{format.duration(run.duration_seconds)}</b>
      </>
      {run.job && (
        <>
          {trans.__('job')} <RefLink reference={formatRef('job', run.job)} />
        </>
      )}
      {run.versions.length > 0 && run.versions.map(ref => <RefLink key={ref} reference={ref} />)}
      <>
        {trans.__('by')} <b>{run.user}</b>
      </>
    </Facts>
  );
}

/** Curves that are drawn at once, and by which their number grows. */
const CURVES = 8;

/** The last values, and the curves of those that were logged more than once. */
function Metrics({ run }: { run: IRun }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [most, setMost] = useState(CURVES);
  const all = Object.keys(run.metrics);
  const names = all.slice(0, most);
  const curves = useQuery<readonly (ICurve | null)[]>(
    `curves:${run.id}:${run.status}:${names.join()}`,
    signal =>
      Promise.all(
        names.map(name => client.experiments.curve(run.id, name, signal).catch(() => null))
      ),
    { every: () => (run.status === 'running' ? 10_000 : null), list: run.id }
  );
  const metrics = useMemo(
    () =>
      (curves.data ?? []).flatMap(curve =>
        curve && curve.step.length > 1
          ? {
              metric: curve.metric,
              series: [{ curve, name: run.name || format.shortId(run.id), series: 1 }]
            }
          : []
      ),
    [curves.data, run.id, run.name]
  );
  return (
    <div className={cx('scroll')}>
      <Table
        label={trans.__('Metrics')}
        columns={[
          {
            key: 'name',
            head: trans.__('metric'),
            cell: ([name]) => <span className={cx('strong-name')}>{name}</span>,
            width: 260,
            sort: ([name]) => name
          },
          {
            key: 'value',
            head: trans.__('last'),
            width: 140,
            figure: ([, value]) => value,
            sort: ([, value]) => format.real(value)
          },
          { key: 'rest', head: '', cell: () => null }
        ]}
        rows={Object.entries(run.metrics)}
        row={([name]) => ({ id: name })}
      />
      {metrics.map(drawn => (
        <Later key={drawn.metric} load={curvesChart} props={drawn} waiting={<Loading rows={6} />} />
      ))}
      {names.length < all.length && (
        <p className={cx('more')}>
          {trans.__('curves of %1 of %2 metrics', names.length, all.length)}
          {' · '}
          <Link onClick={() => setMost(most + CURVES)}>{trans.__('next %1', CURVES)}</Link>
        </p>
      )}
    </div>
  );
}

function Origin({ run }: { run: IRun }): React.ReactElement {
  const { trans } = useWorkbench();
  const link = (reference: string | null): React.ReactNode =>
    reference && <RefLink reference={reference} />;
  return (
    <Pairs
      pairs={[
        [trans.__('id'), run.id],
        [trans.__('notebook'), run.notebook],
        [trans.__('job'), run.job && link(formatRef('job', run.job))],
        [
          trans.__('step'),
          run.step &&
            link(run.step.startsWith('step:') ? run.step : formatRef('step', run.step.split('/')))
        ],
        [
          trans.__('datasets'),
          run.datasets.length > 0 &&
            run.datasets.map(reference => <div key={reference}>{link(reference)}</div>)
        ],
        [
          trans.__('versions'),
          run.versions.length > 0 &&
            run.versions.map(reference => <div key={reference}>{link(reference)}</div>)
        ],
        [trans.__('ended'), format.time(run.ended_at)]
      ]}
    />
  );
}
