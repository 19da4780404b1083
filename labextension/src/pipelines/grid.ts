import type { IFiring, IPipelineRun, IStep, IStepRun } from '../api/types';
import * as format from '../format';

/** A column of the matrix: a run, or a due time that was not run. */
export interface IColumn {
  id: string;
  /** The date that the run is for, else that on which it began or was due, in the user's zone. */
  day: string;
  /** Whether no column before it has that date. */
  first: boolean;
  /**
   * When it began or was due, in the user's zone; empty where another date than that day's stands
   * above.
   */
  clock: string;
  title: string;
  run?: IPipelineRun;
  missed?: IMissed;
}

/** A due time at which nothing was run. */
export interface IMissed extends IFiring {
  /** The zone that the schedule goes by is that of `due`. */
  schedule: string;
}

/**
 * The columns, oldest first: the runs (newest first, as the server gives them) and the times that
 * were missed meanwhile.
 *
 * all: whether these are all runs that there are; else only times after the oldest one shown have a
 * column.
 */
export function columnsOf(
  runs: readonly IPipelineRun[],
  missed: readonly IMissed[],
  all: boolean
): IColumn[] {
  const oldest = runs.at(-1);
  const since = all || !oldest ? -Infinity : Date.parse(oldest.started_at);
  const columns = [
    ...runs.map(run => ({
      id: run.run,
      title: titleOf(run),
      run,
      at: run.started_at,
      date: run.date
    })),
    ...missed
      .filter(firing => Date.parse(firing.due_at) >= since)
      .map(firing => ({
        id: `${firing.schedule} ${firing.due}`,
        title: [`${format.plain(firing.due)} ${firing.schedule}`, firing.reason].join('\n'),
        missed: firing,
        at: firing.due_at,
        date: ''
      }))
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  let last = '';
  return columns.map(({ at, date, ...column }): IColumn => {
    const [whole] = /^\d{4}-\d{2}-\d{2}$/.exec(date) ?? [format.day(at)];
    const first = whole !== last;
    last = whole;
    const clock = first && whole !== format.day(at) ? '' : format.time(at, new Date(at));
    return { ...column, day: whole.slice(5), first, clock };
  });
}

function titleOf(run: IPipelineRun): string {
  const parameters = Object.entries(run.parameters).map(
    ([name, value]) => `${name}=${format.cell(value)}`
  );
  return [`${format.time(run.started_at)} ${run.run}`, parameters.join(', '), run.reason]
    .filter(Boolean)
    .join('\n');
}

const groupOf = (name: string): string => name.replace(/\[.*$/, '');

/**
 * The rows: the steps of the file, each element of a `foreach` in its own; also those that only
 * older runs had.
 */
export function rowsOf(graph: readonly IStep[], runs: readonly IPipelineRun[]): string[] {
  const ran = runs.flatMap(run => run.steps.map(step => step.name));
  return graph.flatMap(({ name, elements }) => {
    const rows = new Set(elements.length ? elements : [name]);
    ran
      .filter(other => other !== name && groupOf(other) === name)
      .forEach(other => rows.add(other));
    return [...rows];
  });
}

export const cellOf = (column: IColumn, row: string): IStepRun | undefined =>
  column.run?.steps.find(step => step.name === row);

/**
 * What of a long row of equal boxes is in sight, with a few beyond: from `first` up to and without
 * `end`.
 */
export function sight(
  scroll: number,
  length: number,
  size: number,
  count: number,
  beyond = 3
): [number, number] {
  const first = Math.max(0, Math.floor(scroll / size) - beyond);
  return [first, Math.min(count, Math.ceil((scroll + length) / size) + beyond)];
}

/** Positions to draw: those in sight, and the one that has the focus. */
export function drawn(
  [first, end]: readonly [number, number],
  focus: number,
  count: number
): number[] {
  const found = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  return focus >= 0 && focus < count && !found.includes(focus) ? [...found, focus] : found;
}

/**
 * How many steps of a run a repair would run, at least: those that are not done, and that the file
 * still has.
 */
export const undone = (
  { repairable, steps }: IPipelineRun,
  graph: readonly Pick<IStep, 'name'>[]
): number =>
  repairable
    ? steps.filter(
        ({ state, name }) =>
          state !== 'succeeded' &&
          state !== 'cached' &&
          graph.some(step => step.name === groupOf(name))
      ).length
    : 0;
