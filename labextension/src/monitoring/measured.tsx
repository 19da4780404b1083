import React from 'react';

import type { IAlert } from '../api/types';
import { Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** What a rule measured, against its threshold. */
export function Measured({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  const threshold = format.number(alert.threshold, 3);
  if (alert.value?.value == null) {
    return <>{trans.__('%1: nothing measured, limit %2', alert.subject, threshold)}</>;
  }
  return (
    <>
      {alert.subject} <Num value={alert.value} format={value => format.number(value, 3)} />{' '}
      {trans.__('limit %1', threshold)}
    </>
  );
}
