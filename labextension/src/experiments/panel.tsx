import React from 'react';

import type { IExperiment, IPage, IRun } from '../api/types';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { Pinned } from '../components/shelf';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { branch, useTree } from '../hooks/tree';
import { kinds } from '../kinds';
import type { IWorkbench } from '../tokens';
import { mainMetric } from './metric';

const NEWEST = 8;
const EXAMPLE =
  'with ml.track("demo") as run:\n    run.log_metric("auc", 0.5)  # your training here';

/** The Experiments panel: experiments and, unfolded, their newest runs. */
export default function ExperimentsPanel(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const note = (page: IPage<IExperiment>): React.ReactNode =>
    page.note && <p className={cx('more')}>{page.note}</p>;
  return (
    <>
      <Pinned
        name="experiments:pinned"
        title={trans.__('Pinned')}
        kinds={kinds.of('experiments')}
      />
      <ListSection
        name="experiments:experiments"
        list="experiments"
        title={trans.__('Experiments')}
        fetch={(limit, signal) => client.experiments.list({ limit }, signal)}
        topics={['run']}
        empty={page => (
          <>
            {note(page)}
            <EmptyCard
              sentence={trans.__('A run is one training attempt with its settings and results.')}
              insert={trans.__('Track in This Notebook')}
              code={EXAMPLE}
            />
          </>
        )}
        body={(page, { at }) => (
          <>
            {note(page)}
            <Experiments page={page} at={at} />
          </>
        )}
      />
    </>
  );
}

function Experiments({ page, at }: { page: IPage<IExperiment>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const uncounted = new Set(page.items.filter(({ runs }) => runs === null).map(({ name }) => name));
  const tree = useTree(
    'experiments:open',
    page.items,
    async experiment => (await client.experiments.runs({ experiment, limit: NEWEST })).items,
    {
      at,
      key: ref => `newest:${ref}`,
      // A tracking server does not count runs: of a new one the list shows nothing.
      moves: (runs, name) => uncounted.has(name) || runs.some(run => run.status === 'running')
    }
  );
  const rows = page.items.flatMap(item =>
    branch(experimentRow(item, workbench), tree, item.name, trans.__('Reading the runs…'), runs =>
      runRows(item, runs, workbench)
    )
  );
  return <List label={trans.__('Experiments')} rows={rows} onToggle={tree.toggle} />;
}

function experimentRow(item: IExperiment, { trans }: IWorkbench): IListRow {
  return {
    id: item.ref,
    ref: item.ref,
    icon: 'experiments',
    name: item.name,
    meta: item.runs !== null && <Num value={item.runs} unit={trans._n('run', 'runs', item.runs)} />
  };
}

/** The newest runs, and how many more there are. */
function runRows(item: IExperiment, runs: readonly IRun[], { trans }: IWorkbench): IListRow[] {
  const rest = item.runs === null ? null : item.runs - runs.length;
  const words =
    rest === null
      ? runs.length === NEWEST && trans.__('all runs')
      : rest > 0 && trans._n('%1 more run', '%1 more runs', rest);
  const more = words && {
    id: `${item.ref}+`,
    ref: item.ref,
    level: 1,
    name: <span className={cx('link')}>{words}</span>
  };
  return [...runs.map(runRow), ...(more ? [more] : [])];
}

function runRow(run: IRun): IListRow {
  const metric = mainMetric(run);
  return {
    id: run.ref,
    ref: run.ref,
    item: run,
    level: 1,
    lead: <State state={run.status} bare />,
    name: run.name || format.shortId(run.id),
    note: format.shortId(run.id).slice(0, 4),
    title: run.id,
    meta: metric && (
      <span title={metric}>
        <Num value={run.metrics[metric]} />
      </span>
    )
  };
}
