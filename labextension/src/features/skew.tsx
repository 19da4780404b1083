import React from 'react';

import type { IViewStatistics } from '../api/types';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** How many online values were others than those of the source, and at most how many of all are. */
export function Skew({
  report
}: {
  report: NonNullable<IViewStatistics['skew']>;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { passed, different, missing_online, compared, upper } = report;
  const most = upper === null ? '' : trans.__('at most %1', format.percent(upper, 2));
  return (
    <State state={passed ? 'ok' : 'drifted'} title={most}>
      {trans.__(
        'skew %1 of %2',
        format.number(different + missing_online),
        format.number(compared + missing_online)
      )}
      {most && ` (${most})`}
    </State>
  );
}
