import '../../style/deployments.css';

import React from 'react';

import type { IAnswerComparison, IDeployedVersion } from '../api/types';
import { cx } from '../components/cx';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { HOURS } from './plancommands';

/** What a shadow answered to its copies, beside the answers that were given. */
export function useCopies(deployment: string, version: string): IQuery<IAnswerComparison> {
  const { client } = useWorkbench();
  return useQuery(
    `shadow:${deployment}:${version}`,
    signal => client.deployments.shadow(deployment, { version, hours: HOURS }, signal),
    { every: () => 30_000 }
  );
}

/** In the line of a shadow: its copies, and how often it agrees with what was answered. */
export function Copies({
  deployment,
  version
}: {
  deployment: string;
  version: IDeployedVersion;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { data } = useCopies(deployment, version.version);
  const copies = trans.__('copies of %1 %', format.number(version.shadow));
  if (typeof data?.agreement !== 'number') {
    return (
      <span role="cell" className={cx('deployments-copies')}>
        {copies}
      </span>
    );
  }
  const rows = format.number(data.rows);
  return (
    <span
      role="cell"
      className={cx('deployments-copies')}
      title={trans.__('%1; %2 rows of the last %3 hours compared', data.rule, rows, HOURS)}
    >
      {copies}, {trans.__('agrees on')}{' '}
      <b>{trans.__('%1 of %2', format.percent(data.agreement, 1), rows)}</b>
    </span>
  );
}
