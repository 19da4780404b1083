import '../../style/monitoring.css';

import React, { useContext, useEffect, useRef, useState } from 'react';

import type { IAlert, IFeatureDrift, IMonitorStatus } from '../api/types';
import { pythonOf } from '../code/snippets';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { Num } from '../components/number';
import { Select } from '../components/select';
import { lookOf, State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { PageContext, useGoal } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { Distribution } from './distribution';
import { heatOf } from './heat';
import { Measured, measureOf } from './measured';

const FEATURES_SHOWN = 50;
/** Seconds, up to now. */
const WINDOWS = [3_600, 21_600, 86_400, 604_800];

/** The page of a monitor: live requests against the training data. */
export default function MonitorPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const [since, setSince] = useMemory<number | null>(`since:${reference}`, null);
  const query = useQuery(
    `${reference}:${since}`,
    signal => client.monitoring.status(name, since ? { since } : {}, signal),
    { topics: ['monitor', 'alert'], about: reference, list: reference }
  );
  const monitor = query.data?.monitor;
  return (
    <>
      <PageHeader
        icon="monitor"
        title={trans.__('monitor %1', name)}
        reference={reference}
        mark={monitor && <State state={monitor.state} tag />}
      >
        <Window since={since} onSince={setSince} />
        {monitor && (
          <Button
            icon="deployment"
            label={monitor.deployment}
            caption={trans.__('Open the deployment')}
            onClick={() => void open(formatRef('deployment', monitor.deployment))}
          />
        )}
        <ActionButton
          command="mlinfra:monitors-evaluate"
          args={{ ref: reference }}
          label={trans.__('Evaluate Now')}
          busyLabel={trans.__('Evaluating…')}
        />
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      <Result query={query}>{status => <Monitor status={status} />}</Result>
    </>
  );
}

function Window({
  since,
  onSince
}: {
  since: number | null;
  onSince: (since: number | null) => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Select
      bare
      label={trans.__('Window')}
      value={String(since ?? '')}
      options={[
        { value: '', label: trans.__('its own window') },
        ...WINDOWS.map(seconds => ({ value: String(seconds), label: format.span(seconds) }))
      ]}
      onChange={seconds => onSince(seconds ? Number(seconds) : null)}
    />
  );
}

function Monitor({ status }: { status: IMonitorStatus }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [chosen, choose] = useState<string | null>(null);
  const shown = status.drift.slice(0, FEATURES_SHOWN);
  const drift = shown.find(item => item.feature === chosen) ?? shown[0];
  return (
    <>
      <Facts>
        <>
          {trans.__('reference')} <b>{status.reference || trans.__('none')}</b>
        </>
        {status.window_start && (
          <>
            {trans.__(
              'window %1 to %2',
              format.time(status.window_start),
              format.time(status.window_end)
            )}
          </>
        )}
        {Object.entries(status.versions).map(([version, rows]) => (
          <React.Fragment key={version}>
            {version} <Num value={rows} format={format.compact} unit={trans.__('rows')} />
          </React.Fragment>
        ))}
        {status.dropped > 0 && (
          <State state="pending">
            {trans._n(
              '%1 request left out of the log',
              '%1 requests left out of the log',
              status.dropped
            )}
          </State>
        )}
      </Facts>
      <Tiles status={status} />
      <div className={cx('scroll')}>
        {status.alerts
          .filter(alert => alert.state !== 'ok')
          .map(alert => (
            <AlertCard key={alert.ref} alert={alert} />
          ))}
        <Heading
          title={trans.__('Drift')}
          note={trans.__(
            'PSI against the training data · %1 of %2 features, largest first',
            shown.length,
            status.features
          )}
        />
        {shown.length ? (
          <div className={cx('monitoring-drift')}>
            <Table
              label={trans.__('Drift of the features')}
              columns={driftColumns(workbench, status.monitor.state === 'no_data')}
              rows={shown}
              row={item => ({ id: item.feature })}
              onOpen={choose}
              current={drift?.feature}
              total={status.features}
            />
            <div className={cx('monitoring-drift-side')}>
              {drift && <Distribution drift={drift} />}
              {status.score && <Distribution drift={status.score} title={trans.__('score')} />}
            </div>
          </div>
        ) : (
          <EmptyCard
            sentence={
              status.trouble ||
              trans.__('No request has been logged in this window, so there is nothing to compare.')
            }
          />
        )}
      </div>
      <CodeDrawer code={status.code} />
    </>
  );
}

/** The figures at the head of the page. */
export function Tiles({ status }: { status: IMonitorStatus }): React.ReactElement {
  const { trans } = useWorkbench();
  const { monitor } = status;
  const firing = status.alerts.filter(alert => alert.state === 'firing').length;
  const drifted =
    monitor.state === 'no_data' ? 0 : status.drift.filter(item => item.drifted).length;
  const milliseconds = (value: unknown): string => trans.__('%1 ms', format.number(value, 3));
  return (
    <div className={cx('monitoring-tiles')}>
      <Tile
        title={trans.__('requests')}
        value={<Num value={monitor.requests} format={format.compact} />}
        note={
          monitor.last_request_at ? (
            <>
              <Num value={monitor.rows} format={format.compact} unit={trans.__('rows')} /> ·{' '}
              {trans.__('last %1 ago', format.span(format.secondsSince(monitor.last_request_at)))}
            </>
          ) : (
            trans.__('none yet')
          )
        }
      />
      <Tile
        title={trans.__('drift, worst of %1', status.features)}
        value={
          monitor.worst_psi ? (
            <Num value={monitor.worst_psi} format={value => format.number(value, 3)} />
          ) : (
            format.DASH
          )
        }
        note={
          drifted
            ? trans._n('%2 · %1 drifted', '%2 · %1 drifted', drifted, monitor.worst)
            : monitor.worst
        }
        bad={drifted > 0}
      />
      <Tile
        title={trans.__('latency p95')}
        value={status.p95_ms ? <Num value={status.p95_ms} format={milliseconds} /> : format.DASH}
        note={
          status.p50_ms && (
            <>
              p50 <Num value={status.p50_ms} format={milliseconds} />
            </>
          )
        }
      />
      <Tile
        title={trans.__('errors')}
        value={
          status.error_fraction ? (
            <Num value={status.error_fraction} format={value => format.percent(value)} />
          ) : (
            format.DASH
          )
        }
        note={
          status.refused_fraction ? (
            <>
              {trans.__('of all requests')} · {trans.__('refused')}{' '}
              <Num value={status.refused_fraction} format={value => format.percent(value)} />
            </>
          ) : (
            trans.__('of all requests')
          )
        }
      />
      <Tile
        title={trans.__('alerts')}
        value={<Num value={firing} format={value => trans.__('%1 firing', String(value))} />}
        note={trans._n('%1 rule', '%1 rules', status.alerts.length)}
        bad={firing > 0}
      />
      <Tile
        title={trans.__('result')}
        value={
          monitor.evaluated_at
            ? trans.__('%1 ago', format.span(format.secondsSince(monitor.evaluated_at)))
            : format.DASH
        }
        note={format.time(monitor.evaluated_at)}
      />
    </div>
  );
}

function Tile({
  title,
  value,
  note,
  bad
}: {
  title: string;
  value: React.ReactNode;
  note: React.ReactNode;
  bad?: boolean;
}): React.ReactElement {
  return (
    <div className={cx('monitoring-tile')}>
      <span className={cx('quiet')}>{title}</span>
      <span className={cx('monitoring-figure')}>
        {bad && <State state="firing" bare />} {value}
      </span>
      <span className={cx('quiet')}>{note}</span>
    </div>
  );
}

function AlertCard({ alert }: { alert: IAlert }): React.ReactElement {
  const workbench = useWorkbench();
  const { code, trans } = workbench;
  const { run } = useAction();
  const goal = useGoal('alert');
  const host = useRef<HTMLElement>(null);
  const { arrive } = useContext(PageContext);
  const asked = goal?.id === alert.ref ? goal.turn : null;
  useEffect(() => {
    const arrival = asked === null ? null : arrive(asked);
    if (arrival) {
      host.current?.scrollIntoView({ block: 'nearest' });
    }
    if (arrival === 'focus') {
      host.current?.focus();
    }
  }, [asked, arrive]);
  const insert = (): void => void run(() => code.insertBelow(pythonOf(workbench, [alert.ref])));
  usePageVerb('mlinfra:alerts-insert', insert);
  const what = alert.subject ? trans.__('%1 of %2', alert.name, alert.subject) : alert.name;
  const since = trans.__(
    'since %1, %2',
    format.time(alert.since),
    format.span(format.secondsSince(alert.since))
  );
  return (
    <section
      ref={host}
      tabIndex={-1}
      className={cx('card', alert.state === 'firing' ? 'is-error' : 'is-waiting')}
      aria-label={what}
      data-mlinfra-ref={alert.ref}
      data-reason={alert.text}
    >
      <div className={cx('card-title')}>
        <State state={alert.state} bare />{' '}
        {alert.state === 'no_data'
          ? trans.__('%1 has no data', what)
          : trans.__('%1 is %2', what, lookOf(alert.state, trans).word)}
        <span className={cx('quiet')}>
          {since} · {alert.ref}
        </span>
        <span className={cx('space')} />
        <ActionButton
          command="mlinfra:alerts-notebook"
          args={{ ref: alert.ref }}
          target={alert}
          label={trans.__('Notebook')}
          busyLabel={trans.__('Writing…')}
        />
        <ActionButton
          command="mlinfra:alerts-ack"
          args={{ ref: alert.ref }}
          target={alert}
          label={trans.__('Acknowledge')}
        />
        <ActionButton
          command="mlinfra:alerts-silence"
          args={{ ref: alert.ref }}
          target={alert}
          label={trans.__('Silence')}
        />
        <Button icon="code" label={trans.__('Insert Code')} onClick={insert} />
      </div>
      <dl>
        <dt>{trans.__('why')}</dt>
        <dd>
          {alert.value?.value == null || measureOf(alert) !== 'PSI' ? (
            alert.text
          ) : (
            <>
              <Measured alert={alert} />
              {alert.value.n !== null && (
                <>
                  {' · '}
                  <Num value={alert.value.n} unit={trans.__('rows in the window')} />
                </>
              )}
            </>
          )}
        </dd>
        <Watched alert={alert} />
      </dl>
    </section>
  );
}

/** Who looks after an alert, and until when nobody is told of it. */
function Watched({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {alert.acknowledged && (
        <>
          <dt>{trans.__('looked after')}</dt>
          <dd>
            {trans.__('by %1 since %2', alert.acknowledged.by, format.time(alert.acknowledged.at))}
            {alert.acknowledged.why && `: ${alert.acknowledged.why}`}
          </dd>
        </>
      )}
      {alert.silence && (
        <>
          <dt>{trans.__('silenced')}</dt>
          <dd>
            {trans.__('until %1 by %2', format.time(alert.silence.until), alert.silence.by)}
            {`: ${alert.silence.why}`}
          </dd>
        </>
      )}
    </>
  );
}

/** unsure: there is too little data to call anything drifted. */
function driftColumns({ trans }: IWorkbench, unsure: boolean): IColumnSpec<IFeatureDrift>[] {
  const percent = (value: unknown): string => format.percent(value, 1);
  return [
    {
      key: 'feature',
      head: trans.__('feature'),
      cell: row => (
        <>
          <span className={cx('strong-name')}>{row.feature}</span>{' '}
          <span className={cx('type')}>{row.kind}</span>
        </>
      ),
      sort: row => row.feature
    },
    {
      key: 'state',
      head: trans.__('state'),
      cell: row => <State state={unsure ? 'no_data' : row.drifted ? 'drifted' : 'stable'} />,
      width: 100
    },
    {
      key: 'psi',
      head: 'PSI',
      width: 120,
      figure: row => row.psi,
      cell: row => (
        <span
          className={cx('monitoring-heat', `monitoring-heat-${unsure ? 0 : heatOf(row.psi.value)}`)}
        >
          <Num value={row.psi} format={value => format.number(value, 3)} />
        </span>
      ),
      sort: row => row.psi.value
    },
    {
      key: 'ks',
      head: 'KS',
      width: 90,
      figure: row => row.ks,
      write: value => format.number(value, 3),
      sort: row => row.ks?.value ?? null
    },
    {
      key: 'wasserstein',
      head: 'Wasserstein',
      width: 110,
      figure: row => row.wasserstein,
      write: value => format.number(value, 3),
      sort: row => row.wasserstein?.value ?? null
    },
    {
      key: 'missing',
      head: trans.__('missing: reference'),
      width: 130,
      figure: row => row.missing_reference,
      write: percent
    },
    {
      key: 'window',
      head: trans.__('window'),
      width: 100,
      figure: row => row.missing_window,
      write: percent
    }
  ];
}
