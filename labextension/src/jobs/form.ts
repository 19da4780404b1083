import type { IEstimated } from '../api/jobs';
import type { Code, IJob, IJobSpec, INeeds, IParameter } from '../api/types';
import { given, quoted } from '../code/shell';
import { type IFaultWords, Inexact, readSweep, readValue, shown } from './values';

/** What stands in the fields of the submit form. */
export interface IForm {
  notebook: string;
  name: string;
  parameters: Readonly<Record<string, string>>;
  /**
   * Values, with commas between them or as a list in JSON, of the parameters that are swept over.
   */
  sweeps: Readonly<Record<string, string>>;
  maxParallel: string;
  cpus: string;
  gpus: string;
  gpuType: string;
  memory: string;
  minutes: string;
  priority: string;
  retries: string;
  backend: string;
  queue: string;
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
  code: Code;
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

export function startForm(notebook: string, parameters: readonly IParameter[]): IForm {
  return {
    notebook,
    name: '',
    parameters: Object.fromEntries(
      parameters.map(({ name, default: value }) => [name, shown(value)])
    ),
    sweeps: {},
    maxParallel: '',
    cpus: '1',
    gpus: '0',
    gpuType: '',
    memory: '',
    minutes: '',
    priority: '50',
    retries: '0',
    backend: '',
    queue: '',
    after: '',
    sameCode: false
  };
}

const text = (value: number | string | null): string => (value === null ? '' : String(value));

/** What an earlier job was submitted with. */
export function formOf(job: IJob): Partial<IForm> {
  return {
    name: job.name,
    parameters: Object.fromEntries(
      Object.entries(job.parameters).map(([name, value]) => [name, shown(value)])
    ),
    cpus: text(job.cpus),
    gpus: text(job.gpus),
    gpuType: text(job.gpu_type),
    memory: text(job.memory_gib),
    minutes: text(job.time_limit_minutes),
    priority: text(job.priority),
    retries: text(job.retries),
    backend: job.backend,
    queue: text(job.queue)
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
 * Parameters that differ from the notebook's own defaults, since those need not be said; without
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
    const given = form.parameters[name] ?? '';
    if (given === shown(value) || sweepOf(form, name) !== undefined) {
      continue;
    }
    try {
      values[name] = readValue(given, type);
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

/** Numbers of the form that are whole, with their bounds. */
export const BOUNDS = {
  cpus: [0, 10_000],
  minutes: [1, 10_000_000],
  priority: [0, 100],
  retries: [0, 1000],
  maxParallel: [1, MOST_ELEMENTS]
} as const;

export type WholeField = keyof typeof BOUNDS;

/** Numbers as they are read from the fields; each fault is noted by its field. */
class Numbers {
  constructor(
    private readonly _form: IForm,
    private readonly _say: IFaultWords,
    private readonly _faults: Record<string, string>
  ) {}

  whole(field: WholeField): number {
    const [least, most] = BOUNDS[field];
    const value = Number(this._form[field]);
    if (!this._form[field].trim() || !Number.isInteger(value) || value < least || value > most) {
      this._faults[field] = this._say.whole(least, most);
    }
    return value;
  }

  /** Whole devices, or below 1 a part in hundredths. */
  gpus(): number {
    const value = Number(this._form.gpus);
    const parts = value < 1 ? value * 100 : value;
    if (!this._form.gpus.trim() || value < 0 || Math.abs(parts - Math.round(parts)) > 1e-9) {
      this._faults.gpus = this._say.gpus;
    }
    return value;
  }

  memory(): number {
    const value = Number(this._form.memory);
    if (!(value > 0 && value <= 1e6)) {
      this._faults.memory = this._say.above;
    }
    return value;
  }
}

/** The job that a form describes. */
export function readForm(form: IForm, parameters: readonly IParameter[], say: IFaultWords): IRead {
  const faults: Record<string, string> = {};
  const numbers = new Numbers(form, say, faults);
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
    cpus: numbers.whole('cpus'),
    gpus: numbers.gpus(),
    gpu_type: word(form.gpuType),
    memory_gib: word(form.memory) && numbers.memory(),
    time_limit_minutes: word(form.minutes) && numbers.whole('minutes'),
    priority: numbers.whole('priority'),
    retries: numbers.whole('retries'),
    backend: word(form.backend),
    queue: word(form.queue),
    after: after.length ? after : undefined,
    ...(size > 0 && size <= MOST_ELEMENTS && { array: product(axes) }),
    max_parallel: size > 0 && word(form.maxParallel) ? numbers.whole('maxParallel') : undefined
  } as IJobSpec;
  const cli = cliOf(spec, size > 0);
  return {
    spec: Object.keys(faults).length ? null : spec,
    faults,
    code: { cli, magic: `%${cli}` },
    grid: axes.map(([, values]) => values.length)
  };
}

/** What an estimate is asked for with. */
export const needsOf = (spec: IJobSpec): IEstimated => ({
  notebook: spec.notebook,
  command: spec.command,
  gpus: spec.gpus,
  gpu_type: spec.gpu_type,
  cpus: spec.cpus,
  memory_gib: spec.memory_gib,
  time_limit_minutes: spec.time_limit_minutes,
  backend: spec.backend,
  queue: spec.queue
});

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
  const asked: Required<INeeds> = {
    name: spec.name ?? '',
    gpus: spec.gpus ?? 0,
    gpu_type: spec.gpu_type ?? null,
    cpus: spec.cpus ?? 1,
    memory_gib: spec.memory_gib ?? null,
    time_limit_minutes: spec.time_limit_minutes ?? null,
    priority: spec.priority ?? 50,
    retries: spec.retries ?? 0,
    backend: spec.backend ?? null,
    queue: spec.queue ?? null,
    after: spec.after ?? []
  };
  const before: INeeds = { ...job, after: [] };
  const differs = (key: keyof INeeds): boolean =>
    JSON.stringify(asked[key]) !== JSON.stringify(before[key]);
  return Object.fromEntries(Object.entries(asked).filter(([key]) => differs(key as keyof INeeds)));
}

/** The same clone, in words. */
export function cloneCode(
  job: string,
  parameters: Readonly<Record<string, unknown>>,
  needs: INeeds,
  sameCode: boolean
): Code {
  const words = ['mlinfra jobs clone', job, ...(sameCode ? ['--same-code'] : [])];
  const cli = [...words, ...given(parameters), ...flagsOf(needs)].join(' ');
  return { cli, magic: `%${cli}` };
}

const FLAGS: Readonly<Record<string, string>> = {
  name: '--name',
  cpus: '--cpus',
  gpus: '--gpus',
  gpu_type: '--gpu-type',
  memory_gib: '--memory-gib',
  time_limit_minutes: '--time-limit',
  priority: '--priority',
  retries: '--retries',
  backend: '--backend',
  queue: '--queue',
  after: '--after',
  max_parallel: '--max-parallel'
};
/** What need not be said. */
const USUAL: Readonly<Record<string, unknown>> = { cpus: 1, gpus: 0, priority: 50, retries: 0 };

/** What a job asks for, as options; none is 0 or an empty word. */
const flagsOf = (asked: object): string[] =>
  Object.entries(FLAGS).flatMap(([key, flag]) => {
    const value = (asked as Readonly<Record<string, unknown>>)[key];
    const values =
      value === undefined
        ? []
        : Array.isArray(value)
          ? (value as unknown[])
          : [value ?? (/gib|minutes/.test(key) ? 0 : '')];
    return values.flatMap(item => [flag, quoted(String(item))]);
  });

function cliOf(spec: IJobSpec, array: boolean): string {
  const said = Object.fromEntries(
    Object.entries(spec).filter(([key, value]) => USUAL[key] !== value)
  );
  const words = [
    'mlinfra jobs submit',
    quoted(spec.notebook ?? ''),
    ...given(spec.parameters ?? {}),
    ...flagsOf(said)
  ];
  return [...words, ...(array ? ['--array', SWEEP_FILE] : [])].join(' ');
}
