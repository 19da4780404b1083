import '../../style/pipelines.css';

import React from 'react';

import type { IPage, IPipeline, IPipelineDetail } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';
import { branch, useTree } from '../hooks/tree';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { outcomeOf } from './drawing';

/** The pipelines of the project with the states of their newest runs; unfolded, their steps. */
export function PipelinesSection(): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  const create = (): void => void commands.execute('mlinfra:pipelines-create');
  return (
    <ListSection
      name="jobs:pipelines"
      list="pipelines"
      title={trans.__('Pipelines')}
      fetch={(limit, signal) => client.pipelines.list({ limit }, signal)}
      topics={['step']}
      lines={1}
      empty={() => (
        <EmptyCard
          sentence={trans.__('A pipeline runs notebooks in order and skips what has not changed.')}
          action={{ label: trans.__('Create from Notebooks…'), onClick: create }}
          code="%pipeline run NAME"
        />
      )}
      body={(page, { at }) => <Pipelines page={page} at={at} />}
    >
      <Button bare kind="quiet" icon="plus" label={trans.__('New Pipeline…')} onClick={create} />
    </ListSection>
  );
}

function Pipelines({ page, at }: { page: IPage<IPipeline>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const tree = useTree('pipelines:open', page.items, name => client.pipelines.show(name), {
    at,
    topics: ['step'],
    moves: ({ runs }) => runs[0]?.state === 'running'
  });
  const rows = page.items.flatMap(item =>
    branch(pipelineRow(item), tree, item.name, trans.__('Reading the steps…'), detail =>
      stepRows(detail, workbench)
    )
  );
  return <List label={trans.__('Pipelines')} rows={rows} onToggle={tree.toggle} />;
}

function pipelineRow(pipeline: IPipeline): IListRow {
  return {
    id: pipeline.ref,
    ref: pipeline.ref,
    item: pipeline,
    icon: 'pipeline',
    name: pipeline.name,
    title: pipeline.description || pipeline.path,
    meta: (
      <span className={cx('pipelines-run-states')}>
        {pipeline.last.map((state, index) => (
          <State key={index} state={state} bare />
        ))}
      </span>
    )
  };
}

function stepRows({ graph, runs, pipeline }: IPipelineDetail, { trans }: IWorkbench): IListRow[] {
  return graph.map((step): IListRow => {
    const ref = formatRef('step', [pipeline.name, step.name]);
    const { state, words, reason } = outcomeOf(runs[0], step, trans);
    return {
      id: ref,
      ref,
      level: 1,
      icon: 'notebook',
      lead: state && <State state={state} bare />,
      name: step.name,
      title: [step.notebook, reason].filter(Boolean).join('\n'),
      meta: <span className={cx('row-detail')}>{words}</span>
    };
  });
}
