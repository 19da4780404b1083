import '../../style/jobs.css';

import React from 'react';

import type { IEstimate, IJobSpec, INumber } from '../api/types';
import { explainError } from '../components/explain';
import { cx } from '../components/cx';
import { Shape } from '../components/icon';
import { Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import { needsOf } from './form';
import { Clock } from './starts';

/** The form rests this long, in milliseconds, before it is asked about. */
const REST = 400;
/** A start this near, in seconds, counts as now. */
const NOW = 3;

export interface IForecast {
  /** Whether there is a job to tell of. */
  asked: boolean;
  /** Why it can never start; empty when it can, or that is not known. */
  refused: string;
  estimate?: IEstimate;
  /** The server has no estimate now. */
  silent: boolean;
}

/** What the job of a form would meet, asked once the form rests. */
export function useForecast(spec: IJobSpec | null): IForecast {
  const { client, trans } = useWorkbench();
  const now = spec ? JSON.stringify(needsOf(spec)) : '';
  const key = useSettled(now, REST);
  const { data, error, borrowed } = useQuery(
    `estimate:${key}`,
    signal => client.jobs.estimate(JSON.parse(key) as ReturnType<typeof needsOf>, signal),
    { when: key !== '', topics: ['job'], list: 'estimate' }
  );
  // Only an answer about this job may say never: a server that is busy, or away, says nothing of
  // it.
  const unfit = error && error.status >= 400 && error.status < 500 && error.code !== 'forbidden';
  const refused = unfit ? explainError(error, trans).what : (data?.refused ?? '');
  return {
    asked: spec !== null,
    // an estimate for other needs keeps nobody from a submit
    refused: key === now && !borrowed ? refused : '',
    estimate: data,
    silent: Boolean(error) && !data
  };
}

/**
 * When the job of the form would start, how long it runs and what it costs; or why it can never
 * start.
 */
export function Forecast({
  asked,
  refused,
  estimate,
  silent,
  jobs
}: IForecast & { jobs: number }): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!asked) {
    return null;
  }
  return (
    <p
      className={cx('jobs-forecast')}
      role="status"
      aria-label={trans.__('What this job would meet')}
    >
      {refused ? (
        <span className={cx('tone-bad', 'jobs-with-shape')} data-reason={refused}>
          <Shape name="failed" /> {trans.__('It can never start.')} {refused}
        </span>
      ) : (
        <>
          {estimate && !estimate.refused && <EstimateText estimate={estimate} jobs={jobs} />}
          {silent && trans.__('its start time is not known now')}
        </>
      )}
    </p>
  );
}

const times = (number: INumber, factor: number): INumber => ({
  ...number,
  value: Number(number.value) * factor
});

function EstimateText({
  estimate,
  jobs
}: {
  estimate: IEstimate;
  jobs: number;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { starts_at: at, seconds, like, cost } = estimate;
  const soon = at !== null && -format.secondsSince(at) < NOW;
  return (
    <>
      {at === null ? (
        trans.__('start time not known')
      ) : soon ? (
        trans.__('starts now')
      ) : (
        <>
          {trans.__('starts')} <Clock at={at} />
        </>
      )}
      {' · '}
      {seconds === null ? (
        trans.__('no earlier run like it')
      ) : (
        <>
          {trans.__('runs')}{' '}
          <Num value={seconds} format={value => `~${format.duration(Number(value))}`} />{' '}
          {trans._n('(%1 like it)', '(%1 like it)', like)}
        </>
      )}
      {cost && (
        <>
          {' · '}
          {trans.__('costs')} <Num value={times(cost, jobs)} />
        </>
      )}
    </>
  );
}
