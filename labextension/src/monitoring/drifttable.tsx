import '../../style/monitoring.css';

import React from 'react';

import type { IFeatureDrift, IMonitorStatus } from '../api/types';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { heatOf } from './heat';

const FEATURES_SHOWN = 50;

interface IDriftTableProps {
  status: IMonitorStatus;
  current: string | undefined;
  words: string;
  onChoose: (feature: string) => void;
}

/** What the map shows of the whole window, with the other distances. */
export function DriftTable({
  status,
  current,
  words,
  onChoose
}: IDriftTableProps): React.ReactElement {
  const workbench = useWorkbench();
  const shown = status.drift
    .filter(({ feature }) => feature.toLowerCase().includes(words.trim().toLowerCase()))
    .slice(0, FEATURES_SHOWN);
  return (
    <Table
      label={workbench.trans.__('Drift of the features')}
      columns={driftColumns(workbench, status.monitor.state === 'no_data')}
      rows={shown}
      row={item => ({ id: item.feature })}
      onOpen={onChoose}
      current={current}
      total={status.features}
    />
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
    ...(['ks', 'wasserstein'] as const).map(name => ({
      key: name,
      head: name === 'ks' ? 'KS' : 'Wasserstein',
      width: 110,
      figure: (row: IFeatureDrift) => row[name],
      write: (value: unknown) => format.number(value, 3),
      sort: (row: IFeatureDrift) => row[name]?.value ?? null
    })),
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
