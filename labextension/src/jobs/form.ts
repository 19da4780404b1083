import type { IEstimated } from '../api/jobs';
import { type INeed, type Need, NEEDS } from '../api/needs';
import type { ICodeCall } from '../api/client';
import type { IJob, IJobSpec, INeeds, IParameter } from '../api/types';
import { type IFaultWords, Inexact, readSweep, readValue, shown } from './values';

/** What stands in the fields of the submit form. */
export interface IForm extends Readonly<Record<Need, string>> {
  notebook: string;
  name: string;
  parameters: Readonly<Record<string, string>>;
  /**
   * Values, with commas between them or as a list in JSON, of the parameters that are swept over.
   */
  sweeps: Readonly<Record<string, string>>;
  maxParallel: string;
  after: string;
  /** Of a clone: run the code as it was then. */
  sameCode: boolean;
}

export interface IRead {
  /** What would be submitted; null while a field is at fault. */
  spec: IJobSpec | null;
  /**
   * What is wrong, by field; of a parameter by `faultOf` its name, for it may be called like a
   * field.
   */
  faults: Readonly<Record<string, string>>;
  /** The same while a field is at fault, for its code. */
  draft: IJobSpec;
  /** How many values each swept parameter has; empty for one job. */
  grid: readonly number[];
}

export const faultOf = (parameter: string): string => `parameter:${parameter}`;

/**
 * The values that a parameter is swept over, as they stand in its field; also of one that is called
 * `constructor`.
 */
export const sweepOf = ({ sweeps }: IForm, name: string): string | undefined =>
  Object.hasOwn(sweeps, name) ? sweeps[name] : undefined;

/** Elements of one array; the server takes no more. */
export const MOST_ELEMENTS = 10_000;
/** The file that the command line reads the elements from. */
export const SWEEP_FILE = 'sweep.json';

const text = (value: number | string | null): string => (value === null ? '' : String(value));

/** Every need, in the order of the table. */
export const ALL_NEEDS = Object.keys(NEEDS) as Need[];

const eachNeed = <T>(value: (key: Need) => T): Record<Need, T> =>
  Object.fromEntries(ALL_NEEDS.map(key => [key, value(key)])) as Record<Need, T>;

export function startForm(notebook: string, parameters: readonly IParameter[]): IForm {
  return {
    notebook,
    name: '',
    parameters: Object.fromEntries(
      parameters.map(({ name, default: value }) => [name, shown(value)])
    ),
    sweeps: {},
    maxParallel: '',
    ...eachNeed(key => text(NEEDS[key].default)),
    after: '',
    sameCode: false
  };
}

/** What an earlier job was submitted with. */
export function formOf(job: IJob): Partial<IForm> {
  return {
    name: job.name,
    parameters: Object.fromEntries(
      Object.entries(job.parameters).map(([name, value]) => [name, shown(value)])
    ),
    ...eachNeed(key => text(job[key]))
  };
}

/** What was filled in, over the notebook's defaults as they are now. */
export function fillForm(
  notebook: string,
  parameters: readonly IParameter[],
  filled: Partial<IForm>
): IForm {
  const start = startForm(notebook, parameters);
  return { ...start, ...filled, parameters: { ...start.parameters, ...filled.parameters } };
}

/** Whether two readings of a notebook say the same of its parameters. */
export const sameParameters = (one: readonly IParameter[], other: readonly IParameter[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/**
 * Parameters that differ from the notebook's own defaults, since those need not be sent; without
 * those that are swept over.
 */
function changed(
  form: IForm,
  parameters: readonly IParameter[],
  say: IFaultWords,
  faults: Record<string, string>
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, type, default: value } of parameters) {
    const text = form.parameters[name] ?? '';
    if (text === shown(value) || sweepOf(form, name) !== undefined) {
      continue;
    }
    try {
      values[name] = readValue(text, type);
    } catch (error) {
      faults[faultOf(name)] = error instanceof Inexact ? say.exact : say.type(type);
    }
  }
  return values;
}

/** The values of each swept parameter. */
function swept(
  form: IForm,
  parameters: readonly IParameter[],
  say: IFaultWords,
  faults: Record<string, string>
): [name: string, values: readonly unknown[]][] {
  return parameters
    .filter(({ name }) => sweepOf(form, name) !== undefined)
    .map(({ name, type }) => {
      try {
        return [name, readSweep(sweepOf(form, name) ?? '', type)];
      } catch (error) {
        faults[faultOf(name)] = error instanceof Inexact ? say.exact : say.list(type);
        return [name, []];
      }
    });
}

/** Every combination of the values: the last parameter changes first. */
export function product(
  axes: readonly (readonly [string, readonly unknown[]])[]
): Record<string, unknown>[] {
  return axes.reduce<Record<string, unknown>[]>(
    (found, [name, values]) =>
      found.flatMap(element => values.map(value => ({ ...element, [name]: value }))),
    [{}]
  );
}

/** The value of a need as it was typed; undefined for what can be left out, a text for a fault. */
function readNeed(
  key: Need,
  typed: string,
  say: IFaultWords
): { value?: number | string; fault?: string } {
  const { kind, default: usual, least, most }: INeed = NEEDS[key];
  const word = typed.trim();
  if (kind === 'word' || (!word && usual === null)) {
    return { value: word || undefined };
  }
  const value = Number(word);
  const over = most !== null && value > most;
  if (kind === 'number') {
    return value > least && !over ? { value } : { fault: say.above };
  }
  const whole = Number.isInteger(value);
  // Whole devices, or below 1 a part in hundredths.
  const share =
    kind === 'share' && value < 1 && Math.abs(value * 100 - Math.round(value * 100)) < 1e-9;
  if (word && value >= least && !over && (whole || share)) {
    return { value };
  }
  return { fault: kind === 'share' ? say.gpus : say.whole(least, most ?? MOST_ELEMENTS) };
}

/** Elements at a time. */
function readParallel(
  form: IForm,
  say: IFaultWords,
  faults: Record<string, string>
): number | undefined {
  const value = Number(form.maxParallel);
  if (!form.maxParallel.trim()) {
    return undefined;
  }
  if (!Number.isInteger(value) || value < 1 || value > MOST_ELEMENTS) {
    faults.maxParallel = say.whole(1, MOST_ELEMENTS);
  }
  return value;
}

/** The job that a form describes. */
export function readForm(form: IForm, parameters: readonly IParameter[], say: IFaultWords): IRead {
  const faults: Record<string, string> = {};
  const needs = eachNeed(key => {
    const { value, fault } = readNeed(key, form[key], say);
    if (fault !== undefined) {
      faults[key] = fault;
    }
    return value;
  });
  const axes = swept(form, parameters, say, faults);
  const size = axes.length ? axes.reduce((count, [, values]) => count * values.length, 1) : 0;
  if (size > MOST_ELEMENTS) {
    faults[faultOf(axes[axes.length - 1]?.[0] ?? '')] = say.many(MOST_ELEMENTS);
  }
  const word = (value: string): string | undefined => value.trim() || undefined;
  const after = form.after.split(/[\s,]+/).filter(Boolean);
  const spec: IJobSpec = {
    notebook: form.notebook,
    parameters: changed(form, parameters, say, faults),
    name: word(form.name),
    ...needs,
    after: after.length ? after : undefined,
    ...(size > 0 && size <= MOST_ELEMENTS && { array: product(axes) }),
    max_parallel: size > 0 ? readParallel(form, say, faults) : undefined
  } as IJobSpec;
  return {
    spec: Object.keys(faults).length ? null : spec,
    faults,
    draft: spec,
    grid: axes.map(([, values]) => values.length)
  };
}

/** What an estimate is asked for with. */
export const needsOf = (spec: IJobSpec): IEstimated =>
  ({
    notebook: spec.notebook,
    command: spec.command,
    ...eachNeed(key => spec[key])
  }) as IEstimated;

/**
 * The parameters of a clone of `job` with its own code: all that either form or job says, since
 * what is left out stays as it was in the job.
 */
export function cloneParameters(
  job: Pick<IJob, 'parameters'>,
  spec: IJobSpec,
  parameters: readonly IParameter[]
): Record<string, unknown> {
  const back = parameters
    .filter(({ name }) => Object.hasOwn(job.parameters, name))
    .map(({ name, default: value }) => [name, value]);
  return { ...(Object.fromEntries(back) as Record<string, unknown>), ...spec.parameters };
}

/** What a clone asks for in another way than its job did; null for what it does without. */
export function cloneNeeds(job: IJob, spec: IJobSpec): INeeds {
  const asked = {
    name: spec.name ?? '',
    ...eachNeed(key => spec[key] ?? NEEDS[key].default),
    after: spec.after ?? []
  } as Required<INeeds>;
  const before: INeeds = { ...job, after: [] };
  const differs = (key: keyof INeeds): boolean =>
    JSON.stringify(asked[key]) !== JSON.stringify(before[key]);
  return Object.fromEntries(Object.entries(asked).filter(([key]) => differs(key as keyof INeeds)));
}

/** The call that submits a job. */
export const submitCall = (spec: IJobSpec): ICodeCall => ({
  call: 'jobs-submit',
  values: { spec }
});

/** The call that clones a job. */
export const cloneCall = (
  job: string,
  parameters: Readonly<Record<string, unknown>>,
  changes: INeeds,
  sameCode: boolean
): ICodeCall => ({
  call: 'jobs-clone',
  values: { job, parameters, changes, same_code: sameCode }
});
