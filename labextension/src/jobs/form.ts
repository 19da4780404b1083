import type { Code, IJobSpec, IParameter } from '../api/types';
import { quoted } from '../code/shell';

/** What stands in the fields of the submit form. */
export interface IForm {
  notebook: string;
  name: string;
  parameters: Readonly<Record<string, string>>;
  cpus: string;
  gpus: string;
  minutes: string;
  retries: string;
}

export interface IRead {
  /** What would be submitted; null while a field is at fault. */
  spec: IJobSpec | null;
  /** What is wrong, by field. */
  faults: Readonly<Record<string, string>>;
  code: Code;
}

const TEXT = /^(str|string|)$/;

/** A default as it stands in a field: texts bare, everything else as JSON. */
const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

export function startForm(notebook: string, parameters: readonly IParameter[]): IForm {
  return {
    notebook,
    name: '',
    parameters: Object.fromEntries(parameters.map(({ name, default: value }) => [name, shown(value)])),
    cpus: '1',
    gpus: '0',
    minutes: '',
    retries: '0'
  };
}

/** What was filled in, over the notebook's defaults as they are now. */
export function fillForm(notebook: string, parameters: readonly IParameter[], filled: Partial<IForm>): IForm {
  const start = startForm(notebook, parameters);
  return { ...start, ...filled, parameters: { ...start.parameters, ...filled.parameters } };
}

/** Whether two readings of a notebook say the same of its parameters. */
export const sameParameters = (one: readonly IParameter[], other: readonly IParameter[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** A number that would arrive as another one, since JSON and JavaScript know fewer numbers than Python. */
export class Inexact extends Error {}

/** A field as a value of its type; throws when it is none, or would not arrive as it is. */
export function readValue(text: string, type: string): unknown {
  const bare = type.replace(/\s*\|\s*None|Optional\[|\]$/g, '');
  if (text === 'None' || text === 'null') {
    return null;
  }
  switch (bare) {
    case 'int':
      if (!/^-?\d+$/.test(text.trim())) {
        throw new Error(type);
      }
      return exact(Number(text));
    case 'float':
      if (!text.trim() || Number.isNaN(Number(text))) {
        throw new Error(type);
      }
      return finite(Number(text));
    case 'bool':
      if (!/^(true|false)$/i.test(text.trim())) {
        throw new Error(type);
      }
      return text.trim().toLowerCase() === 'true';
    default:
      return TEXT.test(bare) ? text : structured(text);
  }
}

function structured(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) =>
      typeof value === 'number' && (Number.isInteger(value) || !Number.isFinite(value)) ? exact(value) : value
    );
  } catch (error) {
    if (error instanceof Inexact) {
      throw error;
    }
    return text;
  }
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new Inexact();
  }
  return value;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) {
    throw new Inexact();
  }
  return value;
}

/** Parameters that differ from the notebook's own defaults, since those need not be said. */
function changed(
  form: IForm,
  parameters: readonly IParameter[],
  say: IFaultWords,
  faults: Record<string, string>
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, type, default: value } of parameters) {
    const text = form.parameters[name] ?? '';
    if (text === shown(value)) {
      continue;
    }
    try {
      values[name] = readValue(text, type);
    } catch (error) {
      faults[name] = error instanceof Inexact ? say.exact : say.type(type);
    }
  }
  return values;
}

/** What is said of a value that does not fit. */
export interface IFaultWords {
  /** It is not of this type. */
  type: (type: string) => string;
  /** It would arrive as another number. */
  exact: string;
  /** It is no whole number from `least` on. */
  whole: (least: number) => string;
}

/** The least that each number of the form may be. */
export const LEAST = { cpus: 0, gpus: 0, minutes: 1, retries: 0 } as const;

/** The job that a form describes. */
export function readForm(form: IForm, parameters: readonly IParameter[], say: IFaultWords): IRead {
  const faults: Record<string, string> = {};
  const whole = (field: keyof typeof LEAST): number => {
    const value = Number(form[field]);
    if (!form[field].trim() || !Number.isInteger(value) || value < LEAST[field]) {
      faults[field] = say.whole(LEAST[field]);
    }
    return value;
  };
  const spec: IJobSpec = {
    notebook: form.notebook,
    parameters: changed(form, parameters, say, faults),
    ...(form.name.trim() && { name: form.name.trim() }),
    cpus: whole('cpus'),
    gpus: whole('gpus'),
    retries: whole('retries'),
    ...(form.minutes.trim() && { time_limit_minutes: whole('minutes') })
  };
  return { spec: Object.keys(faults).length ? null : spec, faults, code: { cli: cliOf(spec) } };
}

function cliOf({ notebook, parameters = {}, name, cpus, gpus, retries, time_limit_minutes }: IJobSpec): string {
  const words = ['mlinfra jobs submit', quoted(notebook ?? '')];
  for (const [key, value] of Object.entries(parameters)) {
    // The command line reads 5 and true as what they look like, unless told that they are texts.
    words.push(
      ...(typeof value === 'string' ? ['-r', `${key}=${value}`] : ['-p', `${key}=${JSON.stringify(value)}`]).map(quoted)
    );
  }
  const options: readonly [string, string | number | undefined, string | number | undefined][] = [
    ['--name', name, undefined],
    ['--cpus', cpus, 1],
    ['--gpus', gpus, 0],
    ['--retries', retries, 0],
    ['--time-limit', time_limit_minutes, undefined]
  ];
  for (const [flag, value, usual] of options) {
    if (value !== undefined && value !== usual) {
      words.push(flag, quoted(String(value)));
    }
  }
  return words.join(' ');
}
