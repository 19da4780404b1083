import type { IJob, IQueuedJob } from '../api/types';

/** How far a key press moves a job in the queue. */
const STEP = 10;

/** The priority of a job that is moved up or down, within 0 and 100. */
export const moved = (priority: number, up: boolean): number =>
  Math.min(100, Math.max(0, priority + (up ? STEP : -STEP)));

/** When waiting jobs may start, by id; an array starts with its first element. */
export function startsOf(queue: readonly IQueuedJob[]): ReadonlyMap<string, string> {
  const starts = new Map<string, string>();
  for (const { job, starts_at: at } of queue) {
    for (const id of at === null ? [] : [job.id, ...(job.part_of ? [job.part_of] : [])]) {
      const earliest = starts.get(id);
      if (at !== null && (earliest === undefined || Date.parse(at) < Date.parse(earliest))) {
        starts.set(id, at);
      }
    }
  }
  return starts;
}

/** A line of the queue: a job, or the waiting elements of an array that stand behind each other. */
export interface IQueueLine {
  position: number;
  job: IJob;
  /** How many elements it stands for; 1 for a job of its own. */
  elements: number;
  starts: string | null;
}

/**
 * Elements of one array that wait behind each other are one line: they are held and moved together.
 */
export function linesOf(queue: readonly IQueuedJob[]): IQueueLine[] {
  const lines: IQueueLine[] = [];
  for (const { position, job, starts_at: starts } of queue) {
    const last = lines[lines.length - 1];
    if (
      last &&
      job.part_of !== null &&
      last.job.part_of === job.part_of &&
      last.job.held_by === job.held_by
    ) {
      last.elements += 1;
    } else {
      lines.push({ position, job, elements: 1, starts });
    }
  }
  return lines;
}

/**
 * What a line of the queue means to a verb: the array while several of its elements stand there.
 */
export const targetOf = ({ job, elements }: IQueueLine): string =>
  elements > 1 ? (job.part_of ?? job.id) : job.id;

/**
 * A notebook's name without folders. Steps of two pipelines may have one name, so theirs stands
 * with that of the pipeline; what a verb does is a sentence.
 */
export const shortName = ({ name, labels }: Pick<IJob, 'name' | 'labels'>): string =>
  labels.pipeline || labels.verb ? name : (name.split('/').pop() ?? name);

/**
 * What an array is dragged and inserted as: it has no log of its own, but a table of its elements.
 */
export const arrayCode = ({ array, code }: Pick<IJob, 'array' | 'code'>): string | undefined =>
  array ? code.python : undefined;

/** A notebook's kernel that holds a GPU, as the server names it. */
export interface IKernelHolder {
  notebook: string;
  pid: string;
}

const KERNEL = /kernel (.+?\.ipynb) \(pid (\d+)\)/g;

/** The notebook kernels that a reason, or the holder of a device, names. */
export const kernelsIn = (text: string): IKernelHolder[] => {
  const found = [...text.matchAll(KERNEL)].map(([, notebook = '', pid = '']) => ({
    notebook,
    pid
  }));
  return found.filter(({ pid }, index) => found.findIndex(other => other.pid === pid) === index);
};
