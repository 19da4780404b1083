import React from 'react';

import type { IAlert, IMonitor, IPage } from '../api/types';
import { Age } from '../components/age';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { Measured } from './measured';

/** Alerts that ask for attention: firing, pending and without data. */
export function AlertsSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const quiet = (rules: number): React.ReactElement => (
    <p className={cx('more')}>{trans._n('%1 rule, all quiet', '%1 rules, all quiet', rules)}</p>
  );
  const loud = ({ items }: IPage<IAlert>): IAlert[] => items.filter(({ state }) => state !== 'ok');
  return (
    <ListSection
      name="models:alerts"
      list="alerts"
      title={trans.__('Alerts')}
      fetch={(limit, signal) => client.monitoring.alerts({ limit }, signal)}
      topics={['alert']}
      note={({ items }) => {
        const firing = items.filter(({ state }) => state === 'firing').length;
        return firing ? trans._n('%1 firing', '%1 firing', firing) : trans.__('none firing');
      }}
      lines={1}
      empty={() => quiet(0)}
      body={page =>
        loud(page).length ? (
          <List label={trans.__('Alerts')} rows={loud(page).map(alertRow)} />
        ) : (
          quiet(page.shown)
        )
      }
    />
  );
}

export function alertRow(alert: IAlert): IListRow {
  return {
    id: alert.ref,
    ref: alert.ref,
    item: alert,
    lead: <State state={alert.state} bare />,
    name: [alert.name, alert.subject].filter(Boolean).join(' '),
    title: alert.text,
    meta: format.span(format.secondsSince(alert.since)),
    lines: (
      <>
        {alert.monitor} · <Measured alert={alert} />
      </>
    )
  };
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
        {monitor.worst_psi?.value != null && (
          <span title={trans.__('largest PSI: %1', monitor.worst)}>
            PSI <Num value={monitor.worst_psi} format={value => format.number(value, 3)} />
          </span>
        )}
        <Age at={monitor.evaluated_at} />
      </>
    ),
    lines: silent
      ? trans.__('no request for %1', format.span(format.secondsSince(silent)))
      : undefined
  };
}
