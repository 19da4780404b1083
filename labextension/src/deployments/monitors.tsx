import React from 'react';

import type { IDeployment, IMonitor } from '../api/types';
import { Age } from '../components/age';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';

/** The longest page that the server gives. */
const MOST = 500;

/** The monitors that watch a deployment, with their states. */
export function Monitors({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const query = useQuery(
    `monitors:${MOST}`,
    signal => client.monitoring.list({ limit: MOST }, signal),
    { topics: ['monitor', 'alert'] }
  );
  return (
    <Result query={query} rows={2}>
      {page => {
        const own = page.items.filter(monitor => monitor.deployment === deployment.name);
        return own.length ? (
          <section className={cx('split')}>
            <Heading
              title={trans.__('Monitors')}
              note={trans._n('%1 watches it', '%1 watch it', own.length)}
            />
            <Table
              label={trans.__('Monitors of %1', deployment.name)}
              columns={columnsOf(workbench)}
              rows={own}
              row={monitor => ({ id: monitor.ref, ref: monitor.ref, item: monitor })}
            />
            <More page={page} />
          </section>
        ) : (
          <EmptyCard
            sentence={trans.__(
              'A monitor compares live requests with the training data. None watches this deployment yet.'
            )}
            insert={trans.__('Insert the Code')}
            code={`ml.deployment(${JSON.stringify(deployment.name)}).watch()`}
            door="python"
          />
        );
      }}
    </Result>
  );
}

const columnsOf = ({ trans }: IWorkbench): IColumnSpec<IMonitor>[] => [
  {
    key: 'name',
    head: trans.__('monitor'),
    width: 180,
    cell: row => <RefLink reference={row.ref}>{row.name}</RefLink>
  },
  {
    key: 'state',
    head: trans.__('state'),
    width: 110,
    cell: row => <State state={row.state} />
  },
  { key: 'rows', head: trans.__('rows'), width: 100, figure: row => row.rows },
  { key: 'worst', head: trans.__('largest drift'), cell: row => row.worst || format.DASH },
  {
    key: 'psi',
    head: trans.__('PSI'),
    width: 100,
    end: true,
    cell: row =>
      row.worst_psi ? (
        <Num value={row.worst_psi} format={value => format.number(value, 3)} />
      ) : (
        format.DASH
      )
  },
  {
    key: 'evaluated',
    head: trans.__('evaluated'),
    width: 100,
    cell: row => <Age at={row.evaluated_at} />
  }
];
