import React from 'react';

import type { IPipeline } from '../api/types';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { Section } from '../components/section';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

/** The pipelines of the project with the states of their newest runs. */
export function PipelinesSection(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery('pipelines', signal => client.pipelines.list({}, signal), { topics: ['step'] });
  return (
    <Section
      name="jobs:pipelines"
      title={trans.__('Pipelines')}
      note={query.data && trans.__('%1 of %2', query.data.shown, query.data.total)}
      body={() => (
        <Result query={query} rows={1}>
          {page =>
            page.items.length ? (
              <List label={trans.__('Pipelines')} rows={page.items.map(pipelineRow)} />
            ) : (
              <EmptyCard
                sentence={trans.__('A pipeline runs notebooks in order and skips what has not changed.')}
                code="%pipeline run NAME"
              />
            )
          }
        </Result>
      )}
    />
  );
}

function pipelineRow(pipeline: IPipeline): IListRow {
  return {
    id: pipeline.ref,
    ref: pipeline.ref,
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
}
