import '../../style/chartmarks.css';

import React from 'react';

import type { IClient } from '../api/client';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import { cx } from './cx';
import { type IMark, onAxis } from './marks';

const PIPELINES = 10;
const RUNS = 20;
/** Marks that are said below a chart. */
const SAID = 4;

interface IHappened {
  marks: IMark[];
  /** The parts that could not be read. */
  missing: string[];
}

/** Deployments and runs of pipelines since a moment; a part that may not be read is left out. */
async function happened(
  client: IClient,
  deployment: string,
  signal: AbortSignal
): Promise<IHappened> {
  const missing: string[] = [];
  const part = async (name: string, read: () => Promise<IMark[]>): Promise<IMark[]> =>
    read().catch(() => {
      missing.push(name);
      return [];
    });
  const marks = await Promise.all([
    part('deployments', async () =>
      (await client.deployments.show(deployment, signal)).history.map(change => ({
        at: change.at,
        state: 'ready',
        text: [change.verb, change.text].filter(Boolean).join(' ').slice(0, 32),
        ref: formatRef('deployment', deployment)
      }))
    ),
    part('pipelines', async () => {
      const { items } = await client.pipelines.list({ limit: PIPELINES }, signal);
      const runs = await Promise.all(
        items.map(({ name }) => client.pipelines.runs(name, { limit: RUNS }, signal))
      );
      return runs.flatMap(page =>
        page.items.map(run => ({
          at: run.started_at,
          state: run.state,
          text: run.pipeline,
          ref: formatRef('pipeline', run.pipeline)
        }))
      );
    })
  ]);
  return { marks: marks.flat(), missing };
}

/** What happened around a deployment, for the time axes that tell of it. */
export function useMarks(deployment: string): IHappened | undefined {
  const { client } = useWorkbench();
  return useQuery(`timeline:${deployment}`, signal => happened(client, deployment, signal), {
    topics: ['deployment', 'step'],
    list: deployment,
    when: Boolean(deployment)
  }).data;
}

interface IChartMarksProps {
  marks: readonly IMark[];
  /** The moments at both ends of the axis. */
  start: number;
  end: number;
  /** The place of a share of the axis, and the height of the drawing, in units of the chart. */
  across: (share: number) => number;
  height: number;
}

/** What happened, as lines across a chart over time; each opens what it tells of. */
export function ChartMarks({
  marks,
  start,
  end,
  across,
  height
}: IChartMarksProps): React.ReactElement {
  const { open } = useWorkbench();
  return (
    <>
      {onAxis(marks, start, end).map(mark => {
        const x = across(mark.x);
        return (
          <g
            key={`${mark.ref} ${mark.at} ${mark.text}`}
            className={cx('chart-mark')}
            data-ref={mark.ref}
            onClick={() => void open(mark.ref)}
          >
            <title>{`${format.time(mark.at)} ${mark.text}`}</title>
            <line x1={x} x2={x} y1={0} y2={height} />
            <path d={`M${x - 4} ${height}h8l-4 -6z`} />
          </g>
        );
      })}
    </>
  );
}

/** The marks of a chart in words, the newest first; each opens what it tells of. */
export function MarksInWords({
  marks,
  start,
  end
}: Pick<IChartMarksProps, 'marks' | 'start' | 'end'>): React.ReactElement | null {
  const { trans, open } = useWorkbench();
  const shown = onAxis(marks, start, end).reverse();
  return shown.length ? (
    <p className={cx('more')}>
      {trans.__('Marked:')}{' '}
      {shown.slice(0, SAID).map((mark, index) => (
        <React.Fragment key={`${mark.ref} ${mark.at} ${mark.text}`}>
          {index > 0 && ', '}
          <button type="button" className={cx('link')} onClick={() => void open(mark.ref)}>
            {`${format.time(mark.at)} ${mark.text}`}
          </button>
        </React.Fragment>
      ))}
      {shown.length > SAID && ` ${trans.__('and %1 older', shown.length - SAID)}`}
    </p>
  ) : null;
}
