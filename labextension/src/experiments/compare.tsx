import React, { useMemo, useState } from 'react';

import type { ICurve, IComparison, IDifference, IRun } from '../api/types';
import { Key, Link } from '../components/button';
import { EmptyCard, Loading, Result } from '../components/card';
import { cx } from '../components/cx';
import { Differing } from '../components/difference';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Heading, InsertButton, PageHeader } from '../components/header';
import { Later } from '../components/later';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench, Lazy } from '../tokens';
import type { ICurvesProps, ISeries } from './curves';

const COLOURS = 6;
const colourOf = (index: number): number => (index % COLOURS) + 1;

/** Drawn by code of its own, which is fetched with the first curve. */
const curvesChart: Lazy<ICurvesProps> = () => import('./curves');

/** Runs side by side: what differs, their metrics, their curves. */
export default function ComparePage({ reference, name }: IPageProps): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  const ids = name.split(',').filter(Boolean);
  const query = useQuery(reference, signal => client.experiments.compare(ids, signal), {
    every: () => null,
    topics: ['run'],
    about: ids.map(id => formatRef('run', id)),
    when: ids.length > 1
  });
  return (
    <>
      <PageHeader
        icon="compare"
        title={trans._n('%1 run compared', '%1 runs compared', ids.length)}
        reference={reference}
      >
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      {ids.length > 1 ? (
        <Result query={query}>{comparison => <Compare comparison={comparison} />}</Result>
      ) : (
        <EmptyCard
          sentence={trans.__('A comparison takes two runs or more.')}
          action={{
            label: trans.__('Show Experiments'),
            onClick: () => void commands.execute('mlinfra:experiments-show')
          }}
        />
      )}
    </>
  );
}

/** The name of a run; with its id where another of these runs has the same name. */
function label(run: IRun, runs: readonly IRun[]): string {
  const id = format.shortId(run.id);
  const isShared = runs.some(other => other.id !== run.id && other.name === run.name);
  return run.name && isShared ? `${run.name} ${id}` : run.name || id;
}

function Compare({ comparison }: { comparison: IComparison }): React.ReactElement {
  const { trans } = useWorkbench();
  const [only, setOnly] = useMemory('compare:only-different', true);
  usePageVerb('mlinfra:runs-show-different', () => setOnly(!only));
  const groups: readonly [kind: string, title: string][] = [
    ['metric', trans.__('Metrics')],
    ['param', trans.__('Parameters')],
    ['dataset', trans.__('Datasets')],
    ['tag', trans.__('Tags')]
  ];
  return (
    <>
      <div className={cx('scroll')}>
        <CompareCurves comparison={comparison} />
        <div className={cx('bar', 'split')}>
          <label>
            <input
              type="checkbox"
              checked={only}
              onChange={event => setOnly(event.target.checked)}
            />{' '}
            {trans.__('only different')}
          </label>
          <Key>o</Key>
          <Same rows={comparison.rows} />
        </div>
        {groups.map(([kind, title]) => (
          <Differences key={kind} kind={kind} title={title} comparison={comparison} only={only} />
        ))}
      </div>
      <CodeDrawer code={comparison.code} note={trans.__('gives the comparison above')} />
    </>
  );
}

function CompareCurves({ comparison }: { comparison: IComparison }): React.ReactElement | null {
  const metrics = useMemo(
    () => [...new Set(comparison.curves.map(curve => curve.metric))],
    [comparison]
  );
  const [chosen, choose] = useState<string | null>(null);
  const metric = chosen && metrics.includes(chosen) ? chosen : metrics[0];
  const series = useMemo(() => seriesOf(comparison, metric), [comparison, metric]);
  if (!metric) {
    return null;
  }
  return (
    <>
      {metrics.length > 1 && (
        <div className={cx('bar')} role="group">
          {metrics.map(name => (
            <button
              key={name}
              type="button"
              className={cx('door')}
              aria-pressed={name === metric}
              onClick={() => choose(name)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      <Later load={curvesChart} props={{ metric, series }} waiting={<Loading rows={6} />} />
    </>
  );
}

function seriesOf({ curves, runs }: IComparison, metric: string | undefined): ISeries[] {
  const place = new Map(runs.map((run, index) => [run.id, index]));
  return curves
    .filter((curve: ICurve) => curve.metric === metric && place.has(curve.run))
    .map(curve => {
      const index = place.get(curve.run) ?? 0;
      const run = runs[index];
      return { curve, name: run ? label(run, runs) : curve.run, series: colourOf(index) };
    });
}

/** How much is the same in all runs. */
function Same({ rows }: { rows: readonly IDifference[] }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const same = rows.filter(row => row.same).length;
  return same ? (
    <span className={cx('quiet')}>
      {trans._n('%1 line is the same in all', '%1 lines are the same in all', same)}
    </span>
  ) : null;
}

interface IDifferencesProps {
  kind: string;
  title: string;
  comparison: IComparison;
  only: boolean;
}

function Differences({
  kind,
  title,
  comparison,
  only
}: IDifferencesProps): React.ReactElement | null {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const all = comparison.rows.filter(row => row.kind === kind);
  const rows = only ? all.filter(row => !row.same) : all;
  if (!rows.length) {
    return null;
  }
  return (
    <section>
      <Heading title={title} note={trans.__('%1 of %2', rows.length, all.length)} />
      <Table
        label={title}
        columns={columnsOf(comparison.runs, workbench)}
        rows={rows}
        row={row => ({ id: `${row.kind} ${row.key}` })}
        fixed
      />
    </section>
  );
}

function columnsOf(runs: readonly IRun[], { trans, open }: IWorkbench): IColumnSpec<IDifference>[] {
  return [
    {
      key: 'key',
      head: trans.__('name'),
      cell: row => <span className={cx('strong-name')}>{row.key}</span>,
      sort: row => row.key,
      width: 280
    },
    ...runs.map((run, index): IColumnSpec<IDifference> => ({
      key: run.id,
      end: true,
      width: 170,
      head: (
        <span className={cx(`series-${colourOf(index)}`)}>
          <span className={cx('swatch')} /> <State state={run.status} bare />{' '}
          <Link title={run.id} onClick={() => void open(run.ref)}>
            {label(run, runs)}
          </Link>
        </span>
      ),
      cell: row => <Differing row={row} index={index} strong={!row.same} />
    })),
    { key: 'rest', head: '', cell: () => null }
  ];
}
