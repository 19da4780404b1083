import React from 'react';

import type { IAlert, IMonitor } from '../api/types';
import { Age } from '../components/age';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IWorkbench } from '../tokens';
import { Measured } from './measured';

/** Alerts that ask for attention: firing, pending and without data. */
export function AlertsSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('models:alerts');
  const { query, onMore } = useList(
    'alerts',
    (limit, signal) => client.monitoring.alerts({ limit }, signal),
    {
      topics: ['alert'],
      when: section.drawn
    }
  );
  const loud = query.data?.items.filter(alert => alert.state !== 'ok') ?? [];
  const firing = loud.filter(alert => alert.state === 'firing').length;
  return (
    <Section
      {...section}
      title={trans.__('Alerts')}
      note={
        section.open &&
        query.data &&
        (firing ? trans._n('%1 firing', '%1 firing', firing) : trans.__('none firing'))
      }
      body={() => (
        <Result query={query} rows={1}>
          {page => (
            <>
              {loud.length ? (
                <List label={trans.__('Alerts')} rows={loud.map(alertRow)} />
              ) : (
                <p className={cx('more')}>
                  {trans._n('%1 rule, all quiet', '%1 rules, all quiet', page.shown)}
                </p>
              )}
              <More page={page} onMore={onMore} />
            </>
          )}
        </Result>
      )}
    />
  );
}

export function alertRow(alert: IAlert): IListRow {
  return {
    id: alert.ref,
    ref: alert.ref,
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
  const section = useOpen('models:monitors');
  const { query, onMore } = useList(
    'monitors',
    (limit, signal) => client.monitoring.list({ limit }, signal),
    {
      topics: ['alert'],
      when: section.drawn
    }
  );
  return (
    <Section
      {...section}
      title={trans.__('Monitors')}
      note={section.open && query.data && trans.__('%1 of %2', query.data.shown, query.data.total)}
      body={() => (
        <Result query={query} rows={1}>
          {page =>
            page.items.length ? (
              <>
                <List
                  label={trans.__('Monitors')}
                  rows={page.items.map(monitor => monitorRow(monitor, workbench))}
                />
                <More page={page} onMore={onMore} />
              </>
            ) : (
              <EmptyCard
                sentence={trans.__('A monitor compares live requests with the training data.')}
                code="%monitor NAME"
              />
            )
          }
        </Result>
      )}
    />
  );
}

function monitorRow(monitor: IMonitor, { trans }: IWorkbench): IListRow {
  const silent = monitor.state === 'no_data' ? monitor.last_request_at : null;
  return {
    id: monitor.ref,
    ref: monitor.ref,
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
