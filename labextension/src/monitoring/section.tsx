import React, { useState } from 'react';

import type { IAlert, IMonitor, IPage } from '../api/types';
import { ActionButton } from '../components/action';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { type IPoint, Sparkline } from '../components/sparkline';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { Measured, measureOf } from './measured';
import { groupsOf, idOf, loudOf, Quiet } from './quiet';

/** Rows of a line each, below the first alert of a rule. */
const LINES = 4;

/** Alerts that ask for attention: firing, pending and without data. */
export function AlertsSection(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const quiet = (rules: number): React.ReactElement => (
    <p className={cx('more')}>{trans._n('%1 rule, all quiet', '%1 rules, all quiet', rules)}</p>
  );
  return (
    <ListSection
      name="models:alerts"
      list="alerts"
      title={trans.__('Alerts')}
      fetch={(limit, signal) => client.monitoring.alerts({ folded: true, limit }, signal)}
      topics={['alert']}
      note={page => {
        const [firing, pending] = [countOf(page, 'firing'), countOf(page, 'pending')];
        return [
          firing ? trans.__('%1 firing', firing) : trans.__('none firing'),
          pending && trans.__('%1 pending', pending)
        ]
          .filter(Boolean)
          .join(' · ');
      }}
      lines={1}
      empty={() => quiet(0)}
      body={page =>
        loudOf(page.items).length ? (
          <>
            <Loud alerts={loudOf(page.items)} />
            <Quiet alerts={page.items} />
          </>
        ) : (
          quiet(page.shown)
        )
      }
    />
  );
}

/** Of many alerts of a rule the first in full, some others in a line each, the rest on demand. */
function Loud({ alerts }: { alerts: readonly IAlert[] }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const rows = groupsOf(alerts).flatMap(({ id, alert, others }) => {
    const [some, rest] = [others.slice(0, LINES), others.slice(LINES)];
    const more = `more ${id}`;
    const lines = (items: readonly IAlert[], level: number): IListRow[] =>
      items.map(item => ({ ...lineRow(item, workbench), level }));
    return [
      alertRow(alert, workbench),
      ...lines(some, 0),
      ...(rest.length
        ? [
            {
              id: more,
              open: open.has(more),
              name: trans._n('%2: %1 more', '%2: %1 more', rest.length, alert.name),
              note: rest.map(({ subject }) => subject).join(', ')
            }
          ]
        : []),
      ...(open.has(more) ? lines(rest, 1) : [])
    ];
  });
  return (
    <List
      label={trans.__('Alerts')}
      rows={rows}
      onToggle={id =>
        setOpen(known => new Set(known.has(id) ? without(known, id) : [...known, id]))
      }
    />
  );
}

const without = (set: ReadonlySet<string>, id: string): string[] =>
  [...set].filter(item => item !== id);

const countOf = ({ items }: IPage<IAlert>, state: string): number =>
  items.filter(item => item.state === state).length;

export function alertRow(alert: IAlert, workbench: IWorkbench): IListRow {
  return {
    id: idOf(alert),
    ref: alert.ref,
    item: alert,
    lead: <State state={alert.state} bare />,
    name: [alert.name, alert.subject].filter(Boolean).join(' '),
    title: alert.text,
    meta: heldWords(alert, workbench),
    lines: <AlertLines alert={alert} />
  };
}

/** The row of an alert beside another one of its rule: what it is about, and how bad it is. */
function lineRow(alert: IAlert, workbench: IWorkbench): IListRow {
  const { value } = alert;
  return {
    ...alertRow(alert, workbench),
    lines: undefined,
    meta: (
      <>
        {value && (
          <>
            {measureOf(alert)} <Num value={value} format={number => format.number(number, 3)} />
          </>
        )}
        <span>{heldWords(alert, workbench)}</span>
      </>
    )
  };
}

/** For how long it has been in its state; while it is pending, how much of the rule's time that is. */
function heldWords({ state, since, hold_seconds: hold }: IAlert, { trans }: IWorkbench): string {
  const seconds = format.secondsSince(since);
  if (state !== 'pending' || hold <= 0) {
    return format.span(seconds);
  }
  const [whole, passed] = [format.span(hold), format.span(Math.min(seconds, hold))];
  const [count = '', unit = ''] = passed.split(' ');
  return trans.__('%1 of %2', whole.endsWith(` ${unit}`) ? count : passed, whole);
}

/** What it is about and how bad it is; of one that fires also the cause, and what is done first. */
function AlertLines({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  const { state, severity, monitor, version, cause, owner, silence } = alert;
  return (
    <>
      <div>
        {severity} · {[monitor, version].filter(Boolean).join(' ')} ·{' '}
        {alert.count > 1 ? alert.text : <Measured alert={alert} />}
      </div>
      {cause && <div title={cause}>{trans.__('likely cause: %1', cause)}</div>}
      {owner && (
        <div>
          {trans.__('owner')} {owner}
        </div>
      )}
      {silence && (
        <div title={silence.why}>
          {trans.__('silenced until %1 by %2', format.time(silence.until), silence.by)}
        </div>
      )}
      {state === 'firing' && (
        <div className={cx('row-verbs')}>
          <ActionButton
            command="mlinfra:alerts-notebook"
            target={alert}
            label={trans.__('Notebook')}
            busyLabel={trans.__('Writing…')}
          />
          <ActionButton
            command="mlinfra:alerts-silence"
            target={alert}
            label={trans.__('Silence…')}
          />
        </div>
      )}
    </>
  );
}

/** The monitors of the project. */
export function MonitorsSection(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  return (
    <ListSection
      name="models:monitors"
      list="monitors"
      title={trans.__('Monitors')}
      fetch={(limit, signal) => client.monitoring.list({ limit }, signal)}
      topics={['monitor']}
      lines={1}
      empty={() => <NoMonitors />}
      body={page => (
        <List
          label={trans.__('Monitors')}
          rows={page.items.map(monitor => monitorRow(monitor, workbench))}
        />
      )}
    />
  );
}

/** What a monitor is, and the button that makes the first one of the newest deployment. */
function NoMonitors(): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  const { data } = useQuery(
    'deployments:1',
    signal => client.deployments.list({ limit: 1 }, signal),
    { topics: ['deployment'] }
  );
  const deployment = data?.items[0];
  return (
    <EmptyCard
      sentence={trans.__('A monitor compares live requests with the training data.')}
      {...(deployment && {
        action: {
          label: trans.__('Watch %1', deployment.name),
          onClick: () => void commands.execute('mlinfra:monitors-watch', { ref: deployment.ref })
        }
      })}
      code="%monitor NAME"
    />
  );
}

/** The PSI from which a line of drift fills its height at least. */
const HIGH = 0.3;
/** Seconds. */
const DAY = 86_400;
/** A share of the day. */
const PAUSE = 1.5 / 24;

/** The largest PSI of the last 24 hours; nothing before it was measured twice. */
function Drift({ monitor: { lately } }: { monitor: IMonitor }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const points = withPauses(
    lately
      .map(({ at, psi }) => ({ x: 1 - format.secondsSince(at) / DAY, y: psi }))
      .filter(({ x }) => x >= 0)
  );
  const values = points.flatMap(({ y }) => y ?? []);
  return values.length > 1 ? (
    <Sparkline
      label={trans.__(
        'Largest PSI of the last 24 hours: %1 to %2',
        format.number(Math.min(...values), 2),
        format.number(Math.max(...values), 2)
      )}
      points={points}
      most={Math.max(HIGH, ...values)}
      series={2}
    />
  ) : null;
}

/** With a gap wherever nothing was measured for longer than an hour and a half. */
function withPauses(points: readonly IPoint[]): IPoint[] {
  return points.flatMap((point, place) => {
    const before = points[place - 1];
    const pause = before && point.x - before.x > PAUSE;
    return pause ? [{ x: (before.x + point.x) / 2, y: null }, point] : [point];
  });
}

function monitorRow(monitor: IMonitor, { trans }: IWorkbench): IListRow {
  const silent = monitor.state === 'no_data' ? monitor.last_request_at : null;
  return {
    id: monitor.ref,
    ref: monitor.ref,
    item: monitor,
    lead: <State state={monitor.state} bare />,
    name: monitor.name,
    title: monitor.deployment,
    meta: (
      <>
        <Drift monitor={monitor} />
        {monitor.worst_psi?.value != null && (
          <span title={trans.__('largest PSI: %1', monitor.worst)}>
            PSI <Num value={monitor.worst_psi} format={value => format.number(value, 3)} />
          </span>
        )}
        {monitor.evaluated_at && (
          <span title={new Date(monitor.evaluated_at).toLocaleString()}>
            {trans.__('%1 ago', format.span(format.secondsSince(monitor.evaluated_at)))}
          </span>
        )}
      </>
    ),
    lines: silent
      ? trans.__('no request for %1', format.span(format.secondsSince(silent)))
      : undefined
  };
}
