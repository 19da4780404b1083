import React from 'react';

import type { IAlert } from '../api/types';
import { Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** The name of what a rule measures. */
export const measureOf = ({ name, metric }: IAlert): string => {
  if (metric === 'psi' || (!metric && name === 'drift')) {
    return 'PSI';
  }
  return metric.endsWith('_fraction') ? name : metric || name;
};

/** Whether a metric is a share, which is shown in percent. */
const isShare = ({ name, metric }: IAlert): boolean =>
  metric ? metric.endsWith('_fraction') : name !== 'drift';

/** What a rule measured, and apart from it the limit. */
export function Measured({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  const shown = (value: unknown): string =>
    isShare(alert) ? format.percent(value) : format.number(value, 3);
  const limit = trans.__('limit %1', shown(alert.threshold));
  if (alert.value?.value == null) {
    return <>{trans.__('%1 not measured · %2', measureOf(alert), limit)}</>;
  }
  return (
    <>
      {measureOf(alert)} <Num value={alert.value} format={shown} /> · {limit}
    </>
  );
}
