import '../../style/deployments.css';

import React from 'react';

import type { IAnswerComparison, IDeployedVersion } from '../api/types';
import { cx } from '../components/cx';
import { BasisMark, labelled, sharedBasis } from '../components/number';
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
      <span role="cell" aria-colspan={2} className={cx('deployments-copies')}>
        {copies}
      </span>
    );
  }
  const rows = format.number(data.rows);
  const since = format.time(data.since);
  const compared = trans.__('%1; %2 rows since %3 compared', data.rule, rows, since);
  const mark = sharedBasis(
    [{ ...labelled(data.agreement, isWhole(data) ? 'exact' : 'sample'), n: data.rows }],
    trans
  );
  return (
    <span
      role="cell"
      aria-colspan={2}
      className={cx('deployments-copies')}
      title={[compared, ...data.notes].join('\n')}
    >
      {trans.__('%1, agrees on %2 of %3', copies, format.percent(data.agreement, 1), rows)}
      {mark && <BasisMark {...mark} />}
    </span>
  );
}

/** Whether the copies of all hours were compared: of many, only the newest are. */
const isWhole = ({ since, until }: IAnswerComparison): boolean =>
  Date.parse(until) - Date.parse(since) >= HOURS * 3_600_000 - 1_000;
