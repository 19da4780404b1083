import React, { useMemo } from 'react';

import { labelled, Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { startsOf } from './lines';

/** When waiting jobs may start, by id; asked while something waits. */
export function useStarts(when: boolean): ReadonlyMap<string, string> {
  const { client } = useWorkbench();
  const { data } = useQuery('starts', signal => client.jobs.queue({}, signal), {
    topics: ['job'],
    when
  });
  return useMemo(
    () => (when ? startsOf(data?.items ?? []) : new Map<string, string>()),
    [data, when]
  );
}

/** `starts ~12:13 est.`, where there is an estimate. */
export function Starts({ at }: { at: string | undefined }): React.ReactElement | null {
  const { trans } = useWorkbench();
  return at === undefined ? null : (
    <span>
      {trans.__('starts')} <Clock at={at} />
    </span>
  );
}

/** An estimated moment: `~12:13 est.` */
export function Clock({ at }: { at: string }): React.ReactElement {
  return <Num value={labelled(`~${format.time(at)}`, 'est')} />;
}
