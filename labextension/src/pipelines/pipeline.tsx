import '../../style/pipelines.css';

import React, { useMemo, useState } from 'react';

import type { IPipelineDetail } from '../api/types';
import { Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Graph } from '../components/graph';
import { Facts, InsertButton, PageHeader } from '../components/header';
import { State } from '../components/state';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useGoal } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { parseRef } from '../refs';
import type { IPageProps } from '../tokens';
import {
  type IPipelineActions,
  PipelineButtons,
  PipelineForms,
  usePipelineActions
} from './actions';
import { draw, inputOf, partOf } from './drawing';
import { RunsView } from './runs';
import { referenceOf } from './things';

/** The page of a pipeline: its graph with the states of the newest run, and steps × runs. */
export default function PipelinePage({ reference, name }: IPageProps): React.ReactElement {
  const { client } = useWorkbench();
  const query = useQuery(reference, signal => client.pipelines.show(name, signal), {
    topics: ['step'],
    about: reference,
    every: detail => (detail?.runs[0]?.state === 'running' ? 2_000 : 15_000)
  });
  const detail = query.data;
  const actions = usePipelineActions(name, detail, query.refresh);
  const { last, running, busy } = actions;
  usePageVerb(
    'mlinfra:pipelines-run-here',
    () => actions.start(),
    !busy && !running && detail !== undefined
  );
  return (
    <>
      <PageHeader
        icon="pipeline"
        title={name}
        reference={reference}
        mark={last && <State state={last.state} tag />}
      >
        <PipelineButtons detail={detail} actions={actions} />
        <InsertButton code={detail?.code.python} primary={false} />
      </PageHeader>
      <PipelineForms detail={detail} actions={actions} />
      <Result query={query}>{data => <Pipeline detail={data} actions={actions} />}</Result>
    </>
  );
}

interface IPipelineProps {
  detail: IPipelineDetail;
  actions: IPipelineActions;
}

function Pipeline({ detail, actions }: IPipelineProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { pipeline, runs } = detail;
  const goal = useGoal('step');
  const [chosen, choose] = useState<{ step: string | null; turn?: number }>({ step: null });
  // Asked for by one of its steps, the page shows that one until another is chosen.
  const asked = goal && chosen.turn !== goal.turn ? (parseRef(goal.id)?.parts[1] ?? null) : null;
  const step = asked ?? chosen.step;
  const setStep = (next: string | null): void => choose({ step: next, turn: goal?.turn });
  const openFile = useOpenFile();
  return (
    <>
      <Facts>
        <Link onClick={() => openFile(pipeline.path)}>{pipeline.path}</Link>
        <>
          <b>{pipeline.steps}</b> {trans._n('step', 'steps', pipeline.steps)}
        </>
        {runs[0] && (
          <>
            {trans.__('last run %1', format.time(runs[0].started_at))} {partOf(runs[0], trans)}
          </>
        )}
        {pipeline.description && <span>{pipeline.description}</span>}
      </Facts>
      <div className={cx('scroll', 'split')}>
        <div className={cx('pipelines-well')}>
          <StepGraph detail={detail} step={step} onStep={setStep} />
        </div>
        <RunsView detail={detail} actions={actions} step={step} onStep={setStep} />
      </div>
      <CodeDrawer code={detail.code} />
    </>
  );
}

interface IStepGraphProps {
  detail: Pick<IPipelineDetail, 'pipeline' | 'graph' | 'runs'>;
  step: string | null;
  onStep: (step: string) => void;
}

/**
 * The steps with the states of the newest run; a step is chosen, what comes from outside is opened.
 */
function StepGraph({ detail, step, onStep }: IStepGraphProps): React.ReactElement {
  const workbench = useWorkbench();
  const { open, trans } = workbench;
  const openFile = useOpenFile();
  const { nodes, links } = useMemo(
    () =>
      draw(
        {
          pipeline: detail.pipeline.name,
          graph: detail.graph,
          run: detail.runs[0],
          selected: step?.replace(/\[.*$/, '')
        },
        workbench
      ),
    [detail, step, workbench]
  );
  return (
    <Graph
      label={trans.__('Graph of %1', detail.pipeline.name)}
      nodes={nodes}
      links={links}
      onOpen={id => {
        const input = inputOf(id);
        if (input === null) {
          onStep(id);
        } else if (referenceOf(input)) {
          void open(input);
        } else {
          openFile(input);
        }
      }}
    />
  );
}
