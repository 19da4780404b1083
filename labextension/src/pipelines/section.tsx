import React from 'react';

import type { IPage, IPipeline, IPipelineDetail } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { More } from '../components/more';
import { Section, useOpen } from '../components/section';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';
import { type IDetail, unfolded, useDetails } from '../hooks/details';
import { useList } from '../hooks/list';
import { useMemorySet } from '../hooks/memory';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { outcomeOf } from './drawing';

/** The pipelines of the project with the states of their newest runs; unfolded, their steps. */
export function PipelinesSection(): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  const create = (): void => void commands.execute('mlinfra:pipelines-create');
  const section = useOpen('jobs:pipelines');
  const { query, onMore } = useList(
    'pipelines',
    (limit, signal) => client.pipelines.list({ limit }, signal),
    {
      topics: ['step'],
      when: section.drawn
    }
  );
  return (
    <Section
      {...section}
      title={trans.__('Pipelines')}
      note={section.open && query.data && trans.__('%1 of %2', query.data.shown, query.data.total)}
      body={() => (
        <Result query={query} rows={1}>
          {page =>
            page.items.length ? (
              <>
                <Pipelines page={page} at={query.at} />
                <More page={page} onMore={onMore} />
              </>
            ) : (
              <EmptyCard
                sentence={trans.__(
                  'A pipeline runs notebooks in order and skips what has not changed.'
                )}
                action={{ label: trans.__('Create from Notebooks…'), onClick: create }}
                code="%pipeline run NAME"
              />
            )
          }
        </Result>
      )}
    >
      <Button bare kind="quiet" icon="plus" label={trans.__('New Pipeline…')} onClick={create} />
    </Section>
  );
}

function Pipelines({ page, at }: { page: IPage<IPipeline>; at: number }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const [open, toggle] = useMemorySet('pipelines:open');
  const under = useDetails(unfolded(page.items, open), name => client.pipelines.show(name), {
    at,
    topics: ['step'],
    moves: ({ runs }) => runs[0]?.state === 'running'
  });
  const rows = page.items.flatMap(item =>
    pipelineRows(item, open.has(item.ref), under.get(item.name), workbench)
  );
  return <List label={trans.__('Pipelines')} rows={rows} onToggle={toggle} />;
}

function pipelineRows(
  pipeline: IPipeline,
  shown: boolean,
  detail: IDetail<IPipelineDetail> | undefined,
  workbench: IWorkbench
): IListRow[] {
  const row: IListRow = {
    id: pipeline.ref,
    ref: pipeline.ref,
    open: shown,
    icon: 'pipeline',
    name: pipeline.name,
    title: pipeline.description || pipeline.path,
    meta: (
      <span className={cx('run-states')}>
        {pipeline.last.map((state, index) => (
          <State key={index} state={state} bare />
        ))}
      </span>
    )
  };
  if (!shown) {
    return [row];
  }
  if (!detail?.data) {
    const words = detail?.error ? detail.error.what : workbench.trans.__('Reading the steps…');
    return [row, { id: `${pipeline.ref}?`, level: 1, name: words }];
  }
  return [row, ...stepRows(detail.data, workbench)];
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
