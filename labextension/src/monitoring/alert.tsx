import '../../style/monitoring.css';

import React from 'react';

import type { IAlert, IAlertChange, IAlertDetail, IAlertRule } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { useMarks } from '../components/chartmarks';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef, parseRef } from '../refs';
import type { IPageProps } from '../tokens';
import { LikelyCause, titleOf, useInsert, Verbs, Watched, Why } from './alertcard';
import { Cause } from './cause';
import { Distribution } from './distribution';
import { condition } from './rulewords';
import { ValueChart } from './valuechart';

const DAY = 86_400;
/** Seconds of history at least, and at most, that the chart shows. */
const LEAST = DAY;
const MOST = 30 * DAY;
/** Metrics that each feature has. */
const OF_FEATURES = [
  'psi',
  'ks',
  'wasserstein',
  'js',
  'hellinger',
  'chi2',
  'missing',
  'unseen',
  'out_of_range'
];

/** The page of an alert: what fired, why, and what can be done about it. */
export default function AlertPage({ reference, name }: IPageProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const [monitor = '', , ...labels] = parseRef(reference)?.parts ?? [];
  const query = useQuery(reference, signal => client.monitoring.alert(reference, signal), {
    topics: ['alert'],
    about: labels.length ? reference : formatRef('monitor', monitor)
  });
  const alert = query.data?.alert;
  usePageVerb('mlinfra:alerts-insert', useInsert({ ref: reference }));
  return (
    <>
      <PageHeader
        icon="monitor"
        title={alert ? trans.__('alert %1', titleOf(alert, workbench)) : trans.__('alert %1', name)}
        reference={reference}
        mark={alert && <State state={alert.state} tag />}
      >
        {alert && <Verbs alert={alert} />}
        {alert && (
          <ActionButton
            command="mlinfra:alerts-rollback"
            target={alert}
            label={trans.__('Roll Back…')}
            busyLabel={trans.__('Rolling Back…')}
          />
        )}
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      <Result query={query}>{detail => <Alert detail={detail} />}</Result>
    </>
  );
}

function Alert({ detail }: { detail: IAlertDetail }): React.ReactElement {
  const { client } = useWorkbench();
  const { alert, code } = detail;
  const rules = useQuery(
    `rules ${alert.monitor}`,
    signal => client.monitoring.rules({ monitor: alert.monitor, limit: 500 }, signal),
    { topics: ['alert'] }
  );
  const rule = rules.data?.items.find(item => item.name === alert.name && !item.problem);
  return (
    <>
      <AlertFacts detail={detail} />
      <div className={cx('scroll')}>
        <What detail={detail} rule={rule} />
        <div className={cx(featureOf(alert) && 'monitoring-sides')}>
          <Values alert={alert} deployment={detail.deployment} clear={rule?.clear ?? null} />
          <BadWindow alert={alert} />
        </div>
        <Origin alert={alert} />
        <History detail={detail} />
      </div>
      <CodeDrawer code={code} />
    </>
  );
}

function AlertFacts({ detail }: { detail: IAlertDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { alert, deployment, pipeline } = detail;
  return (
    <Facts>
      <>
        {trans.__('monitor')} <RefLink reference={formatRef('monitor', alert.monitor)} />
      </>
      <>
        {trans.__('deployment')} <RefLink reference={formatRef('deployment', deployment)} />{' '}
        {alert.version}
      </>
      <>{alert.severity}</>
      {alert.owner && (
        <>
          {trans.__('owner')} <b>{alert.owner}</b>
        </>
      )}
      <>
        {trans.__(
          'since %1, %2',
          format.time(alert.since),
          format.span(format.secondsSince(alert.since))
        )}
      </>
      {detail.stands_for && <>{trans.__('the worst of %1', detail.stands_for)}</>}
      {pipeline && (
        <>
          {trans.__('made by pipeline')} <RefLink reference={formatRef('pipeline', pipeline)} />
        </>
      )}
    </Facts>
  );
}

function What({
  detail,
  rule
}: {
  detail: IAlertDetail;
  rule: IAlertRule | undefined;
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans, open } = workbench;
  const { alert } = detail;
  const openFile = useOpenFile();
  const [file] = (rule?.source ?? '').split(':');
  return (
    <section className={cx('monitoring-what')} aria-label={trans.__('What fired')}>
      <dl>
        <dt>{trans.__('value')}</dt>
        <dd>
          <Why alert={alert} />
        </dd>
        <dt>{trans.__('rule')}</dt>
        <dd>
          {rule ? condition(rule, workbench) : alert.name}{' '}
          <span className={cx('quiet')}>{file ? rule?.source : trans.__('built in')}</span>{' '}
          {file ? (
            <Button label={trans.__('Edit Rule')} onClick={() => openFile(file)} />
          ) : (
            <Button
              label={trans.__('Rules')}
              onClick={() => void open(formatRef('rules', alert.monitor))}
            />
          )}
        </dd>
        <dt>{trans.__('bad window')}</dt>
        <dd>
          {alert.window_start
            ? trans.__('%1 to %2', ...format.ends(alert.window_start, alert.window_end))
            : trans.__('the threshold was never crossed')}
        </dd>
        <LikelyCause alert={alert} />
        {alert.runbook && (
          <>
            <dt>{trans.__('runbook')}</dt>
            <dd>{alert.runbook}</dd>
          </>
        )}
        <Watched alert={alert} />
      </dl>
    </section>
  );
}

/** The feature that an alert is about, if it is about one. */
function featureOf({ metric, labels, subject }: IAlert): string | undefined {
  const found = labels.feature ?? subject;
  return OF_FEATURES.includes(metric) && found ? found : undefined;
}

/** Value against threshold, by the hour. */
function Values({
  alert,
  deployment,
  clear
}: {
  alert: IAlert;
  deployment: string;
  clear: number | null;
}): React.ReactElement {
  const { client, trans } = useWorkbench();
  const feature = featureOf(alert);
  const began = alert.window_start ?? alert.since;
  const since = Math.max(LEAST, Math.min(MOST, format.secondsSince(began) + DAY));
  const metric = alert.metric || 'psi';
  const options = {
    metric,
    since: Math.round(since / 3600) * 3600,
    limit: 500,
    ...(feature && { feature }),
    ...(alert.version && { version: alert.version }),
    ...(alert.labels.segment && { segment: alert.labels.segment })
  };
  const query = useQuery(
    `series ${alert.monitor} ${JSON.stringify(options)}`,
    signal => client.monitoring.series(alert.monitor, options, signal),
    { topics: ['monitor'], about: formatRef('monitor', alert.monitor) }
  );
  const marks = useMarks(deployment)?.marks ?? [];
  const end = query.at;
  return (
    <section aria-label={trans.__('Value over time')}>
      <Heading
        title={trans.__('Value against threshold')}
        note={trans.__('by the hour; the last dot is what the rule judged')}
      />
      <Result query={query} rows={2}>
        {({ items, total, shown }) => (
          <>
            <ValueChart
              alert={alert}
              points={items}
              clear={clear}
              marks={marks}
              start={end - options.since * 1000}
              end={end}
              wide={!feature}
            />
            {shown < total && (
              <p className={cx('more')}>{trans.__('%1 of %2 hours', shown, total)}</p>
            )}
          </>
        )}
      </Result>
    </section>
  );
}

/** The distribution in the bad window, where the alert is about a feature. */
function BadWindow({ alert }: { alert: IAlert }): React.ReactElement | null {
  const { client } = useWorkbench();
  const feature = featureOf(alert);
  const end = alert.window_end ?? alert.evaluated_at ?? '';
  const start = alert.window_start ?? (end && new Date(Date.parse(end) - DAY * 1000).toISOString());
  const query = useQuery(
    `distribution ${alert.ref} ${start} ${end}`,
    signal =>
      client.monitoring.distribution(
        alert.monitor,
        {
          feature: feature ?? '',
          start,
          end,
          ...(alert.version && { version: alert.version }),
          ...(alert.labels.segment && { segment: alert.labels.segment })
        },
        signal
      ),
    { when: Boolean(feature && start), every: () => null }
  );
  if (!feature || !start) {
    return null;
  }
  return (
    <div>
      <Result query={query} rows={2}>
        {drift => <Distribution drift={drift} span={format.ends(start, end).join(' – ')} />}
      </Result>
    </div>
  );
}

/** Where the feature comes from, where the alert is about one. */
function Origin({ alert }: { alert: IAlert }): React.ReactElement | null {
  const feature = featureOf(alert);
  return feature ? (
    <Cause monitor={alert.monitor} feature={feature} version={alert.version || undefined} />
  ) : null;
}

/** What happened to the alert, and what was done about it. */
function History({ detail }: { detail: IAlertDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { history, changes } = detail;
  const time = clock(history.map(({ at }) => at));
  return (
    <section className={cx('split')}>
      <Heading title={trans.__('History')} note={trans.__('%1 of %2', history.length, changes)} />
      <Table<IAlertChange>
        label={trans.__('History of the alert')}
        columns={[
          { key: 'at', head: trans.__('when'), width: 110, cell: row => time(row.at) },
          { key: 'what', head: trans.__('what'), width: 120, cell: row => <b>{row.what}</b> },
          { key: 'by', head: trans.__('who'), width: 90, cell: row => row.by || format.DASH },
          {
            key: 'why',
            head: trans.__('why'),
            wrap: true,
            cell: row => row.why || format.DASH
          },
          {
            key: 'link',
            head: trans.__('started'),
            width: 180,
            cell: row => (row.link ? <Linked link={row.link} /> : format.DASH)
          }
        ]}
        rows={history}
        row={change => ({ id: `${change.at} ${change.what}` })}
      />
    </section>
  );
}

function Linked({ link }: { link: string }): React.ReactElement {
  const openFile = useOpenFile();
  const [, file] = /^file:(.*)$/.exec(link) ?? [];
  return file ? (
    <Button kind="quiet" label={file} onClick={() => openFile(file)} />
  ) : (
    <RefLink reference={link} />
  );
}
