import React, { useMemo } from 'react';

import type { IPipelineDetail, IPipelineRun, IStepRun } from '../api/types';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageKey } from '../components/frame';
import { Graph, type IGraphNode } from '../components/graph';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { lookOf, State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { secondsOf } from './seconds';

const RUNS_SHOWN = 12;

/** The page of a pipeline: its graph with the states of the newest run, and steps × runs. */
export default function PipelinePage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.pipelines.show(name, signal), {
    topics: ['step'],
    every: detail => (detail?.runs[0]?.state === 'running' ? 2_000 : 15_000)
  });
  const { run, busy } = useAction();
  const last = query.data?.runs[0];
  const start = (): Promise<boolean> =>
    run(async () => {
      await client.pipelines.run(name);
      await query.refresh();
    });
  const running = last?.state === 'running' ? last : undefined;
  const cancel = (): Promise<boolean> =>
    run(async () => {
      if (running) {
        await client.pipelines.cancel(running.run);
        await query.refresh();
      }
    });
  usePageKey('k', trans.__('cancel the run'), () => void cancel(), !busy && running !== undefined);
  usePageKey('.', trans.__('run the pipeline'), () => void start(), !busy && !running);
  return (
    <>
      <PageHeader icon="pipeline" title={name} reference={reference} mark={last && <State state={last.state} tag />}>
        <Button
          kind="primary"
          icon="play"
          label={trans.__('Run')}
          disabled={busy || running !== undefined}
          onClick={() => void start()}
        />
        {running && (
          <Button
            icon="stop"
            label={trans.__('Cancel')}
            caption={trans.__('End the run; what its steps have made so far stays')}
            disabled={busy}
            onClick={() => void cancel()}
          />
        )}
        <InsertButton code={query.data?.code.python} primary={false} />
      </PageHeader>
      <Result query={query}>{detail => <Pipeline detail={detail} />}</Result>
    </>
  );
}

function Pipeline({ detail }: { detail: IPipelineDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const { commands, trans } = workbench;
  const { pipeline, runs } = detail;
  const { nodes, links } = useMemo(() => drawn(detail, workbench), [detail, workbench]);
  const shown = runs.slice(0, RUNS_SHOWN);
  return (
    <>
      <Facts>
        <Link onClick={() => void commands.execute('mlinfra:workbench-open-file', { path: pipeline.path })}>
          {pipeline.path}
        </Link>
        <>
          <b>{pipeline.steps}</b> {trans._n('step', 'steps', pipeline.steps)}
        </>
        {runs[0] && <>{trans.__('last run %1', format.time(runs[0].started_at))}</>}
        {pipeline.description && <span>{pipeline.description}</span>}
      </Facts>
      <div className={cx('scroll', 'split')}>
        <div className={cx('well')}>
          <Graph label={trans.__('Graph of %1', pipeline.name)} nodes={nodes} links={links} />
        </div>
        <Heading
          title={trans.__('Steps × runs')}
          note={trans.__('newest first, %1 of %2', shown.length, detail.runs_total)}
        />
        <StepsByRuns detail={detail} runs={shown} />
        <StatesKey runs={shown} />
        {runs[0]?.steps
          .filter(step => step.state === 'failed')
          .map(step => (
            <FailedStep key={step.name} step={step} />
          ))}
      </div>
      <CodeDrawer code={detail.code} />
    </>
  );
}

function FailedStep({ step }: { step: IStepRun }): React.ReactElement {
  const { commands, trans, open } = useWorkbench();
  const path = step.notebook;
  return (
    <p className={cx('more')} role="alert">
      <State state="failed">{step.name}</State> {step.reason}{' '}
      {path && (
        <Link onClick={() => void commands.execute('mlinfra:workbench-open-file', { path })}>
          {trans.__('Open Executed Notebook')}
        </Link>
      )}{' '}
      {step.job && <Link onClick={() => void open(formatRef('job', step.job ?? ''))}>{trans.__('Open Job')}</Link>}
    </p>
  );
}

function drawn(
  { graph, runs, pipeline }: IPipelineDetail,
  { trans }: IWorkbench
): { nodes: IGraphNode[]; links: { from: string; to: string }[] } {
  const states = new Map(runs[0]?.steps.map(step => [step.name, step]));
  const nodes = graph.map(({ name, notebook }): IGraphNode => {
    const run = states.get(name);
    const seconds = run ? secondsOf(run) : null;
    return {
      id: name,
      ref: run?.job ? formatRef('job', run.job) : formatRef('step', [pipeline.name, name]),
      icon: 'notebook',
      title: name,
      note: run
        ? [lookOf(run.state, trans).word, seconds !== null && format.duration(seconds)].filter(Boolean).join(' · ')
        : notebook,
      mark: run && <State state={run.state} bare />,
      tone: run && lookOf(run.state, trans).tone,
      unreached: run?.state === 'waiting' || run?.state === 'cancelled'
    };
  });
  return { nodes, links: graph.flatMap(step => step.after.map(from => ({ from, to: step.name }))) };
}

function StepsByRuns({ detail, runs }: { detail: IPipelineDetail; runs: readonly IPipelineRun[] }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const most = Math.max(1e-9, ...runs.map(run => secondsOf(run) ?? 0));
  const columns: IColumnSpec<string>[] = [
    {
      key: 'step',
      head: trans.__('step'),
      cell: name =>
        name === DURATION ? (
          <span className={cx('quiet')}>{trans.__('duration')}</span>
        ) : (
          <span className={cx('strong-name')}>{name}</span>
        ),
      width: 180
    },
    ...runs.map((run): IColumnSpec<string> => ({
      key: run.run,
      head: <span title={run.run}>{format.time(run.started_at)}</span>,
      width: 84,
      cell: name =>
        name === DURATION ? (
          <Duration run={run} most={most} />
        ) : (
          <Cell step={run.steps.find(step => step.name === name)} onOpen={ref => void open(ref)} />
        )
    })),
    { key: 'rest', head: '', cell: () => null }
  ];
  return (
    <Table
      label={trans.__('Steps and runs of %1', detail.pipeline.name)}
      columns={columns}
      rows={[...(runs.length ? [DURATION] : []), ...detail.graph.map(step => step.name)]}
      row={name => ({
        id: name,
        ref: name === DURATION ? undefined : formatRef('step', [detail.pipeline.name, name])
      })}
      onOpen={name => {
        const job = runs[0]?.steps.find(step => step.name === name)?.job;
        if (job) {
          void open(formatRef('job', job));
        }
      }}
    />
  );
}

/** What stands in the row above the steps: no step has this name, since names hold no space. */
const DURATION = ' duration';

/** How long a run took, against the longest one shown. */
function Duration({ run, most }: { run: IPipelineRun; most: number }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const seconds = secondsOf(run);
  if (seconds === null) {
    return <State state={run.state} bare />;
  }
  const words = format.duration(seconds);
  return (
    <span className={cx('duration')} title={words} role="img" aria-label={trans.__('took %1', words)}>
      <span
        className={cx(run.state === 'failed' ? 'is-bad' : 'is-plain')}
        style={{ height: `${Math.max(1, Math.round((seconds / most) * 18))}px` }}
      />
    </span>
  );
}

/** The shapes that stand in the matrix, with their words. */
function StatesKey({ runs }: { runs: readonly IPipelineRun[] }): React.ReactElement | null {
  const states = [...new Set(runs.flatMap(run => run.steps.map(step => step.state)))];
  return states.length ? (
    <p className={cx('more', 'legend')}>
      {states.map(state => (
        <State key={state} state={state} />
      ))}
    </p>
  ) : null;
}

function Cell({
  step,
  onOpen
}: {
  step: IStepRun | undefined;
  onOpen: (ref: string) => void;
}): React.ReactElement | null {
  if (!step) {
    return null;
  }
  const state = <State state={step.state} bare title={step.reason || undefined} />;
  const { job } = step;
  return job ? <Link onClick={() => onOpen(formatRef('job', job))}>{state}</Link> : state;
}
