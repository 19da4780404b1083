import '../../style/deployments.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDeployment, IVersionVerdict } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { labelled, Num } from '../components/number';
import { Select } from '../components/select';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { type IQuery, useQuery } from '../hooks/query';
import { canaryOf } from './canary';
import { weightsOf, words } from './weights';

type Measure = IVersionVerdict['measure'];

/** What the versions can be compared by, in the order of the list. */
const MEASURES: readonly Measure[] = ['errors', 'latency', 'quality', 'kpi', 'reward'];

const isMeasure = (text: string): text is Measure => MEASURES.some(known => known === text);

/** How a verdict looks; a mismatch of the ratio is a fault of the experiment. */
const STATES: Readonly<Record<string, string>> = {
  better: 'passed',
  worse: 'failed',
  'not yet': 'pending',
  'ratio mismatch': 'refused'
};

/** The two versions that are compared: the stable one, and the canary beside it. */
export function armsOf(deployment: IDeployment): { control: string; treatment: string } | null {
  const control = deployment.versions.find(({ role }) => role === 'stable')?.version;
  const treatment = canaryOf(deployment);
  return control && treatment ? { control, treatment } : null;
}

/** The canary beside the stable version by one measure; nothing is asked without a canary. */
export function useVerdict(deployment: IDeployment, measure: Measure): IQuery<IVersionVerdict> {
  const { client } = useWorkbench();
  const arms = armsOf(deployment);
  return useQuery(
    `verdict:${deployment.name}:${measure}:${arms?.control}:${arms?.treatment}:${words(weightsOf(deployment.versions))}`,
    signal =>
      client.deployments.verdict(
        deployment.name,
        { control: arms?.control ?? '', treatment: arms?.treatment ?? '', measure },
        signal
      ),
    {
      when: arms !== null,
      // Asked anew once the page shows another traffic: before, a version may have lost its own.
      every: () => 30_000,
      list: `verdict:${deployment.name}`
    }
  );
}

/** Whether the canary is better than the stable version; may be looked at at any time. */
export function Verdict({ deployment }: { deployment: IDeployment }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const [measure, setMeasure] = useMemory<Measure>('deployment:measure', 'errors');
  const query = useVerdict(deployment, measure);
  if (!armsOf(deployment)) {
    return null;
  }
  return (
    <div className={cx('bar', 'deployments-verdict')} role="group" aria-label={trans.__('Verdict')}>
      <span>{trans.__('Verdict')}</span>
      <Select
        bare
        label={trans.__('Compared by')}
        value={measure}
        options={MEASURES.map(value => ({ value, label: nameOf(value, trans) }))}
        onChange={next => isMeasure(next) && setMeasure(next)}
      />
      <Result query={query} rows={1}>
        {verdict => <Words verdict={verdict} />}
      </Result>
    </div>
  );
}

/** Below the line of the canary: by how much what it answers is worth more or less. */
export function CanaryKpi({ deployment }: { deployment: IDeployment }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const { data: verdict } = useVerdict(deployment, 'kpi');
  const difference = verdict && differenceOf(verdict);
  if (!difference) {
    return null;
  }
  const { control, treatment, needed } = verdict;
  const means = [control, treatment].map(({ version, mean, n }) =>
    trans.__('%1: %2 over %3', version, written('kpi', mean), trans._n('%1 row', '%1 rows', n))
  );
  return (
    <p
      className={cx('more', 'deployments-version-kpi')}
      title={[...means, verdict.why].filter(Boolean).join('\n')}
    >
      {trans.__('KPI %1', difference)} · {wordOf(verdict, trans)}
      {needed !== null && (
        <>
          {' · '}
          <More needed={needed} />
        </>
      )}
    </p>
  );
}

function Words({ verdict }: { verdict: IVersionVerdict }): React.ReactElement {
  const { trans } = useWorkbench();
  const { needed, control, treatment } = verdict;
  const difference = differenceOf(verdict);
  return (
    <span className={cx('deployments-words')} title={verdict.why}>
      <State state={STATES[verdict.state] ?? 'pending'}>
        <b>{wordOf(verdict, trans)}</b>
      </State>
      <span className={cx('quiet')}>
        {difference === null ? verdict.why : trans.__('difference %1', difference)}
      </span>
      {needed !== null && (
        <span className={cx('quiet')}>
          <More needed={needed} />
        </span>
      )}
      <span className={cx('quiet')}>
        {trans.__(
          '%1: %2 of %3, expected %4',
          treatment.version,
          format.number(treatment.n),
          format.number(treatment.n + control.n),
          format.percent(treatment.share, 1)
        )}
      </span>
    </span>
  );
}

/** How many more outcomes would decide if the difference stays. */
function More({ needed }: { needed: number }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Num
      value={labelled(needed, 'est')}
      format={number => trans.__('about %1 more', format.compact(number))}
    />
  );
}

/** The difference with its interval; null while there is none. */
function differenceOf({ measure, difference, low, high }: IVersionVerdict): string | null {
  if (difference === null || low === null || high === null) {
    return null;
  }
  const [value, from, to] = [difference, low, high].map(number =>
    signed(known => written(measure, known), number)
  );
  return `${value} [${from}, ${to}]`;
}

/** What a measure is called in the list. */
function nameOf(measure: Measure, trans: TranslationBundle): string {
  switch (measure) {
    case 'errors':
      return trans.__('errors');
    case 'latency':
      return trans.__('latency');
    case 'quality':
      return trans.__('labels');
    case 'kpi':
      return trans.__('KPI');
    case 'reward':
      return trans.__('rewards');
  }
}

/** What may be done: it is not a promise. */
function wordOf({ state, treatment }: IVersionVerdict, trans: TranslationBundle): string {
  switch (state) {
    case 'better':
      return trans.__('%1 is better', treatment.version);
    case 'worse':
      return trans.__('%1 is worse', treatment.version);
    case 'ratio mismatch':
      return trans.__('not shared as it should be');
    default:
      return trans.__('not yet decided');
  }
}

const written = (measure: Measure, value: number | null): string =>
  measure === 'errors' ? format.percent(value) : format.number(value, 3);

const signed = (write: (value: number) => string, value: number): string =>
  value > 0 ? `+${write(value)}` : write(value);
