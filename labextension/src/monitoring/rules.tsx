import '../../style/monitoring.css';

import React, { useState } from 'react';

import type { IAlertRule } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { Facts, Heading, PageHeader } from '../components/header';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { Backtest, backtestCall, DAYS } from './backtest';
import { condition } from './rulewords';

const MOST = 500;

/** The rules of a monitor that are in force, and what they would have done. */
export default function RulesPage({ reference, name }: IPageProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans, open } = workbench;
  const monitor = formatRef('monitor', name);
  const [days, setDays] = useState(DAYS);
  const query = useQuery(
    reference,
    signal => client.monitoring.rules({ monitor: name, limit: MOST }, signal),
    { topics: ['alert', 'monitor'], about: monitor, every: () => 15_000 }
  );
  return (
    <>
      <PageHeader icon="monitor" title={trans.__('rules of %1', name)} reference={monitor}>
        <Button
          icon="monitor"
          label={trans.__('Monitor')}
          caption={trans.__('Open the monitor')}
          onClick={() => void open(monitor)}
        />
        <ActionButton
          kind="primary"
          command="mlinfra:rules-create"
          args={{ ref: monitor }}
          label={trans.__('New Rule…')}
          busyLabel={trans.__('Opening…')}
        />
      </PageHeader>
      <Result query={query}>
        {page => (
          <>
            <Facts>
              <>
                {trans.__(
                  '%1 of %2; a rule file is in force as soon as it is saved, unless it has a fault',
                  page.shown,
                  page.total
                )}
              </>
            </Facts>
            <div className={cx('scroll')}>
              <Rules rules={page.items} monitor={monitor} />
              <Backtest
                days={days}
                onDays={setDays}
                of={name}
                ask={days => client.monitoring.backtest({ monitor: name, days })}
              />
            </div>
          </>
        )}
      </Result>
      <CallCode page={{}} {...backtestCall('', days)} />
    </>
  );
}

function Rules({
  rules,
  monitor
}: {
  rules: readonly IAlertRule[];
  monitor: string;
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const openFile = useOpenFile();
  return (
    <>
      <Heading title={trans.__('Rules')} note={trans.__('in force for this monitor')} />
      <Table
        label={trans.__('Rules in force')}
        columns={columns(workbench, monitor, openFile)}
        rows={rules}
        row={rule => ({ id: `${rule.source} ${rule.name}` })}
      />
    </>
  );
}

function columns(
  workbench: IWorkbench,
  monitor: string,
  openFile: (file: string) => void
): IColumnSpec<IAlertRule>[] {
  const { trans } = workbench;
  const fileOf = ({ source }: IAlertRule): string => source.replace(/:\d+$/, '');
  return [
    {
      key: 'rule',
      head: trans.__('rule'),
      width: 170,
      cell: rule => (
        <>
          <State state={rule.problem ? 'failed' : 'ok'} bare /> <b>{rule.name}</b>
        </>
      )
    },
    {
      key: 'when',
      head: trans.__('fires when'),
      wrap: true,
      cell: rule => rule.problem || condition(rule, workbench)
    },
    { key: 'severity', head: trans.__('severity'), width: 80, cell: rule => rule.severity },
    {
      key: 'data',
      head: trans.__('without data'),
      width: 100,
      cell: rule => rule.no_data || format.DASH
    },
    {
      key: 'of',
      head: trans.__('of'),
      width: 90,
      cell: rule => (rule.problem ? format.DASH : rule.monitor || trans.__('all monitors'))
    },
    {
      key: 'source',
      head: trans.__('written in'),
      width: 150,
      wrap: true,
      cell: rule => rule.source || trans.__('built in')
    },
    {
      key: 'verbs',
      head: '',
      end: true,
      sticky: true,
      width: 130,
      cell: rule =>
        rule.source ? (
          <Button
            label={trans.__('Edit')}
            caption={trans.__('Open its file: form and text')}
            onClick={() => openFile(fileOf(rule))}
          />
        ) : (
          <ActionButton
            command="mlinfra:rules-create"
            args={{ ref: monitor, rule: rule.name }}
            label={trans.__('Replace…')}
            caption={trans.__('A rule of your own with its name takes its place')}
          />
        )
    }
  ];
}
