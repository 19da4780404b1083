import '../../style/jobs.css';

import React from 'react';

import type { IJob, IResourcePoint, IResources } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { labelled, Num } from '../components/number';
import { type IPoint, Sparkline } from '../components/sparkline';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';
import { isActive } from './state';

const SECONDS = 900;

/** What a job used in its last quarter of an hour: CPU, memory, and each of its GPUs. */
export function Resources({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `resources:${job.ref}:${job.attempt}`,
    signal => client.jobs.resources(job.id, SECONDS, signal),
    { every: () => (isActive(job) ? 5_000 : null) }
  );
  return (
    <section className={cx('jobs-resources')} aria-label={trans.__('Resources')}>
      <Heading title={trans.__('Resources')} note={trans.__('last 15 min')} />
      <Result query={query} rows={3}>
        {resources => <Lines resources={resources} job={job} />}
      </Result>
    </section>
  );
}

interface ILine {
  name: string;
  series: number;
  values: readonly (number | null)[];
  /** The value at the upper edge, at least. */
  most: number;
  write: (value: unknown) => string;
}

const gib = (value: unknown): string =>
  typeof value === 'number' && value < 1
    ? `${format.number(value * 1024, 3)} MiB`
    : `${format.number(value, 3)} GiB`;
const whole = (value: unknown): string => format.percent(value, 0);

/** The lines that are drawn; a measure that no point has is left out. */
export function linesOf(
  { cpus, memory_limit_gib: limit, points }: IResources,
  { trans }: Pick<IWorkbench, 'trans'>
): ILine[] {
  const gpus = points[points.length - 1]?.gpus ?? [];
  const of = (read: (point: IResourcePoint) => number | null | undefined): (number | null)[] =>
    points.map(point => read(point) ?? null);
  const all: ILine[] = [
    ...gpus.flatMap(({ id }, index): ILine[] => {
      const find = (point: IResourcePoint): IResourcePoint['gpus'][number] | undefined =>
        point.gpus.find(gpu => gpu.id === id);
      const name = gpuName(id, index);
      return [
        {
          name: trans.__('GPU %1', name),
          series: 1,
          values: of(point => find(point)?.load),
          most: 1,
          write: whole
        },
        {
          name: trans.__('GPU %1 mem.', name),
          series: 3,
          values: of(point => find(point)?.memory),
          most: 1,
          write: whole
        }
      ];
    }),
    {
      name: trans._n('CPU, %1', 'CPU, %1', cpus),
      series: 5,
      values: of(point => point.cpu),
      most: 1,
      write: whole
    },
    {
      name: trans.__('Memory'),
      series: 4,
      values: of(point => point.memory_gib),
      most: limit ?? 0,
      write: gib
    }
  ];
  return all.filter(({ values }) => values.some(value => value !== null));
}

/** A number as it is; of an id of the driver its place among the job's GPUs. */
export const gpuName = (id: string, index: number): string =>
  /^\d+$/.test(id) ? id : String(index);

function Lines({ resources, job }: { resources: IResources; job: IJob }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { points } = resources;
  const last = points[points.length - 1];
  if (!last) {
    return (
      <p className={cx('more')}>
        {isActive(job)
          ? trans.__('No samples yet: the first one comes within a few seconds.')
          : trans.__('Nothing was measured: it ended too soon, or long ago.')}
      </p>
    );
  }
  const end = Date.parse(last.at);
  const place = ({ at }: IResourcePoint): number => 1 - (end - Date.parse(at)) / 1000 / SECONDS;
  return (
    <>
      {linesOf(resources, workbench).map(line => (
        <Line key={line.name} line={line} places={points.map(place)} />
      ))}
    </>
  );
}

function Line({ line, places }: { line: ILine; places: readonly number[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const { name, series, values, write } = line;
  const measured = values.filter(value => value !== null);
  const greatest = Math.max(0, ...measured);
  const now = measured[measured.length - 1] ?? null;
  const label = trans.__('%1: now %2, at most %3', name, write(now), write(greatest));
  return (
    <div className={cx('jobs-resource')} title={label}>
      <span className={cx('quiet')}>{name}</span>
      <Sparkline
        label={label}
        series={series}
        most={Math.max(line.most, greatest)}
        points={values.map((y, index): IPoint => ({ x: places[index] ?? 0, y }))}
      />
      <Num value={labelled(now)} strong format={write} />
    </div>
  );
}
