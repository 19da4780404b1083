import React from 'react';

import type { IAlert } from '../api/types';
import { Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** The name of what a rule measures. */
export const measureOf = ({ name }: IAlert): string => (name === 'drift' ? 'PSI' : name);

/** What a rule measured, and apart from it the limit. */
export function Measured({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  const shown = (value: unknown): string =>
    alert.name === 'drift' ? format.number(value, 3) : format.percent(value);
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
