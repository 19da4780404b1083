import React from 'react';

import type { IDeployedVersion, IDeployment } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { deployRef } from './deployref';
import { Passed } from './passed';
import { versionRef } from './series';
import { onStandby, shadowsOf } from './shadowing';

/** Process ids that are shown at once. */
const PIDS = 8;

/** The versions with their tests, processes and memory. */
export function Versions({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const waiting = onStandby(deployment).length + shadowsOf(deployment).length > 0;
  const columns = columnsOf(workbench).filter(
    ({ key }) => key !== 'gpu' || deployment.versions.some(usesGpu)
  );
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Versions')}
        note={trans.__('their processes on %1', deployment.target)}
      >
        <ActionButton
          command="mlinfra:deployments-create"
          target={deployment}
          label={trans.__('Add Version…')}
          icon="plus"
        />
      </Heading>
      <Table
        label={trans.__('Versions of %1', deployment.name)}
        columns={[...columns, ...(waiting ? [verbsOf(deployment, workbench)] : [])]}
        rows={deployment.versions}
        row={version => ({ id: version.version, ref: versionRef(version) })}
      />
    </section>
  );
}

const usesGpu = (version: IDeployedVersion): boolean =>
  version.gpu_memory_bytes !== null || version.gpu_load !== null;

const columnsOf = ({ trans }: IWorkbench): IColumnSpec<IDeployedVersion>[] => [
  {
    key: 'version',
    head: trans.__('version'),
    width: 120,
    cell: row => <RefLink reference={versionRef(row)}>{row.version}</RefLink>
  },
  {
    key: 'state',
    head: trans.__('state'),
    width: 90,
    cell: row => <State state={row.state} title={row.reason || undefined} />
  },
  { key: 'role', head: trans.__('role'), width: 80, cell: row => row.role || format.DASH },
  {
    key: 'traffic',
    head: trans.__('traffic'),
    width: 70,
    figure: row => row.traffic,
    write: value => `${format.number(value)} %`
  },
  { key: 'gates', head: trans.__('tests'), width: 70, cell: row => <Passed version={row} /> },
  { key: 'runtime', head: trans.__('runtime'), width: 130, cell: row => row.runtime },
  {
    key: 'memory',
    head: trans.__('memory'),
    width: 90,
    end: true,
    cell: row =>
      row.memory_bytes === null ? (
        format.DASH
      ) : (
        <Num value={row.memory_bytes} format={format.bytes} />
      )
  },
  {
    key: 'gpu',
    head: trans.__('GPU'),
    width: 130,
    end: true,
    cell: row =>
      usesGpu(row) ? (
        <span title={row.gpu_reason || trans.__('Its memory, and the load of the GPUs it is on')}>
          {row.gpu_memory_bytes === null ? format.DASH : format.bytes(row.gpu_memory_bytes)}
          {' · '}
          {row.gpu_load === null ? format.DASH : format.percent(row.gpu_load)}
        </span>
      ) : (
        <span title={row.gpu_reason || undefined}>{format.DASH}</span>
      )
  },
  { key: 'workers', head: trans.__('processes'), width: 90, figure: row => row.workers },
  {
    key: 'pids',
    head: trans.__('process ids'),
    cell: row => (
      <span className={cx('quiet')} title={row.pids.join(', ')}>
        {row.pids.length ? pidsOf(row.pids) : format.DASH}
      </span>
    )
  }
];

/** What can be done with one of them: it is asked for no more. */
const verbsOf = (
  deployment: IDeployment,
  { open, trans }: IWorkbench
): IColumnSpec<IDeployedVersion> => {
  const standby = onStandby(deployment);
  const plan = ({ model, version }: IDeployedVersion): string => {
    const [name = '', number = ''] = parseRef(versionRef({ model, version }))?.parts ?? [];
    return deployRef([name, number], deployment.name, 'steps');
  };
  return {
    key: 'verbs',
    head: '',
    end: true,
    sticky: true,
    cell: row => (
      <span className={cx('row-verbs')}>
        {standby.includes(row) && (
          <>
            <ActionButton
              command="mlinfra:deployments-start-shadow"
              target={deployment}
              args={{ version: row.version }}
              label={trans.__('Shadow…')}
            />
            <Button
              label={trans.__('Steps…')}
              caption={trans.__('Give it its traffic step by step, while it does well')}
              onClick={() => void open(plan(row))}
            />
          </>
        )}
        {row.shadow > 0 && (
          <ActionButton
            command="mlinfra:deployments-end-shadow"
            target={deployment}
            args={{ version: row.version }}
          />
        )}
      </span>
    )
  };
};

const pidsOf = (pids: readonly number[]): string =>
  pids.length > PIDS ? `${pids.slice(0, PIDS).join(', ')}, …` : pids.join(', ');
