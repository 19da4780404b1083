import React from 'react';

import type { IExperiment, IPage, IRun } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Num } from '../components/number';
import { Section, useOpen } from '../components/section';
import { Pinned } from '../components/shelf';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IDetail, unfolded, useDetails } from '../hooks/details';
import { useList } from '../hooks/list';
import { useMemorySet } from '../hooks/memory';
import { kinds } from '../kinds';
import type { IWorkbench } from '../tokens';
import { mainMetric } from './metric';

const NEWEST = 8;
const EXAMPLE =
  'with ml.track("demo") as run:\n    run.log_metric("auc", 0.5)  # your training here';

/** The Experiments panel: experiments and, unfolded, their newest runs. */
export default function ExperimentsPanel(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const section = useOpen('experiments:experiments');
  const { query, onMore } = useList(
    'experiments',
    (limit, signal) => client.experiments.list({ limit }, signal),
    {
      topics: ['run'],
      when: section.drawn
    }
  );
  return (
    <>
      <Pinned
        name="experiments:pinned"
        title={trans.__('Pinned')}
        kinds={kinds.of('experiments')}
      />
      <Section
        {...section}
        title={trans.__('Experiments')}
        note={
          section.open && query.data && trans.__('%1 of %2', query.data.shown, query.data.total)
        }
        body={() => (
          <Result query={query}>
            {page => (
              <>
                {page.note && <p className={cx('more')}>{page.note}</p>}
                <Experiments page={page} at={query.at} />
                <More page={page} onMore={onMore} />
              </>
            )}
          </Result>
        )}
      />
    </>
  );
}

function Experiments({ page, at }: { page: IPage<IExperiment>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const [open, toggle] = useMemorySet('experiments:open');
  const uncounted = new Set(page.items.filter(({ runs }) => runs === null).map(({ name }) => name));
  const under = useDetails(
    unfolded(page.items, open),
    async experiment => (await client.experiments.runs({ experiment, limit: NEWEST })).items,
    {
      at,
      key: ref => `newest:${ref}`,
      // A tracking server does not count runs: of a new one the list shows nothing.
      moves: (runs, name) => uncounted.has(name) || runs.some(run => run.status === 'running')
    }
  );
  if (!page.items.length) {
    return (
      <EmptyCard
        sentence={trans.__('A run is one training attempt with its settings and results.')}
        insert={trans.__('Track in This Notebook')}
        code={EXAMPLE}
      />
    );
  }
  const rows = page.items.flatMap(item =>
    experimentRows(item, open.has(item.ref), under.get(item.name), workbench)
  );
  return <List label={trans.__('Experiments')} rows={rows} onToggle={toggle} />;
}

function experimentRows(
  item: IExperiment,
  shown: boolean,
  detail: IDetail<readonly IRun[]> | undefined,
  { trans }: IWorkbench
): IListRow[] {
  const row: IListRow = {
    id: item.ref,
    ref: item.ref,
    open: shown,
    icon: 'experiments',
    name: item.name,
    meta: item.runs !== null && <Num value={item.runs} unit={trans._n('run', 'runs', item.runs)} />
  };
  if (!shown) {
    return [row];
  }
  if (!detail?.data) {
    return [
      row,
      {
        id: `${item.ref}?`,
        level: 1,
        name: detail?.error ? detail.error.what : trans.__('Reading the runs…')
      }
    ];
  }
  const shownRuns = detail.data.length;
  const rest = item.runs === null ? null : item.runs - shownRuns;
  const words =
    rest === null
      ? shownRuns === NEWEST && trans.__('all runs')
      : rest > 0 && trans._n('%1 more run', '%1 more runs', rest);
  const more = words && {
    id: `${item.ref}+`,
    ref: item.ref,
    level: 1,
    name: <span className={cx('link')}>{words}</span>
  };
  return [row, ...detail.data.map(runRow), ...(more ? [more] : [])];
}

function runRow(run: IRun): IListRow {
  const metric = mainMetric(run);
  return {
    id: run.ref,
    ref: run.ref,
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
