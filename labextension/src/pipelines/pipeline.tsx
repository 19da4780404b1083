import React, { useMemo } from 'react';

import type { IPipelineDetail, IPipelineRun, IStepRun } from '../api/types';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
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
  return (
    <>
      <PageHeader icon="pipeline" title={name} reference={reference} mark={last && <State state={last.state} tag />}>
        <Button
          kind="primary"
          icon="play"
          label={trans.__('Run')}
          disabled={busy || last?.state === 'running'}
          onClick={() => void start()}
        />
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
          note={trans.__('newest first, %1 of %2', shown.length, runs.length)}
        />
        <StepsByRuns detail={detail} runs={shown} />
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
    const seconds =
      run?.started_at && run.ended_at ? (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000 : null;
    return {
      id: name,
      ref: run?.job ? formatRef('job', run.job) : formatRef('step', `${pipeline.name}/${name}`),
      icon: 'notebook',
      title: name,
      note: run
        ? [lookOf(run.state, trans).word, seconds !== null && format.duration(seconds)].filter(Boolean).join(' · ')
        : notebook,
      mark: run && <State state={run.state} bare />,
      tone: run && lookOf(run.state, trans).tone
    };
  });
  return { nodes, links: graph.flatMap(step => step.after.map(from => ({ from, to: step.name }))) };
}

function StepsByRuns({ detail, runs }: { detail: IPipelineDetail; runs: readonly IPipelineRun[] }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const columns: IColumnSpec<string>[] = [
    {
      key: 'step',
      head: trans.__('step'),
      cell: name => <span className={cx('strong-name')}>{name}</span>,
      width: 180
    },
    ...runs.map((run): IColumnSpec<string> => ({
      key: run.run,
      head: <span title={run.run}>{format.time(run.started_at)}</span>,
      width: 84,
      cell: name => <Cell step={run.steps.find(step => step.name === name)} onOpen={ref => void open(ref)} />
    })),
    { key: 'rest', head: '', cell: () => null }
  ];
  return (
    <Table
      label={trans.__('Steps and runs of %1', detail.pipeline.name)}
      columns={columns}
      rows={detail.graph.map(step => step.name)}
      row={name => ({ id: name, ref: formatRef('step', `${detail.pipeline.name}/${name}`) })}
      onOpen={name => {
        const job = runs[0]?.steps.find(step => step.name === name)?.job;
        if (job) {
          void open(formatRef('job', job));
        }
      }}
    />
  );
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
