import React from 'react';

import type { IChange, IDeploymentDetail } from '../api/types';
import { ActionButton } from '../components/action';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

interface IHistoryProps {
  detail: IDeploymentDetail;
  most?: number;
}

const words = (traffic: Readonly<Record<string, number>>): string =>
  Object.entries(traffic)
    .map(([version, value]) => `${version} ${value} %`)
    .join(' · ');

/** The changes that a roll back takes away. */
const MOVES = ['deploy', 'traffic', 'promote'];

/**
 * What was changed, when, by whom and why; where the newest change moved traffic, it can be taken
 * away.
 */
export function History({ detail, most = Infinity }: IHistoryProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { deployment, history } = detail;
  const shown = history.slice(0, most);
  const time = clock(shown.map(({ at }) => at));
  const columns: IColumnSpec<IChange>[] = [
    { key: 'at', head: trans.__('when'), width: 110, cell: row => time(row.at) },
    { key: 'user', head: trans.__('who'), width: 80, cell: row => row.user },
    { key: 'verb', head: trans.__('verb'), width: 90, cell: row => <b>{row.verb}</b> },
    { key: 'text', head: trans.__('change'), wrap: true, cell: row => row.text || format.DASH },
    {
      key: 'traffic',
      head: trans.__('traffic after it'),
      wrap: true,
      cell: row => words(row.traffic)
    },
    {
      key: 'reason',
      head: trans.__('reason'),
      wrap: true,
      cell: row => row.reason || format.DASH
    },
    {
      key: 'undo',
      head: '',
      end: true,
      sticky: true,
      width: 100,
      cell: row =>
        row === history[0] &&
        history.length > 1 &&
        MOVES.includes(row.verb) && (
          <ActionButton command="mlinfra:deployments-rollback" target={deployment} />
        )
    }
  ];
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('History')}
        note={trans._n('the newest change', 'the newest %1 changes', shown.length)}
      />
      <Table
        label={trans.__('History of %1', deployment.name)}
        columns={columns}
        rows={shown}
        row={change => ({ id: String(change.id) })}
      />
    </section>
  );
}
