/** Values of parameters, between the fields of a form and JSON. */

/** What is said of a value that does not fit. */
export interface IFaultWords {
  /** It is not of this type. */
  type: (type: string) => string;
  /** It would arrive as another number. */
  exact: string;
  /** It is no whole number of this range. */
  whole: (least: number, most: number) => string;
  /** It is neither whole nor a part of one GPU. */
  gpus: string;
  /** It is no number above 0. */
  above: string;
  /** It is no list of values of this type. */
  list: (type: string) => string;
  /** The lists make more jobs than this. */
  many: (most: number) => string;
}

const TEXT = /^(str|string|)$/;

const bareType = (type: string): string => type.replace(/\s*\|\s*None|Optional\[|\]$/g, '');

/** Whether a value is a JSON object. */
export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Types whose values have one shape in JSON. */
const SHAPES: readonly [RegExp, (value: unknown) => boolean][] = [
  [/^(typing\.)?(list|tuple|set)\b/i, Array.isArray],
  [/^(typing\.)?(dict|mapping)\b/i, isMapping]
];

/** A value as it stands in a field: texts bare, everything else as JSON. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

/** A number that would arrive as another one, since JSON and JavaScript know fewer numbers than Python. */
export class Inexact extends Error {}

/** A field as a value of its type; throws when it is none, or would not arrive as it is. */
export function readValue(text: string, type: string): unknown {
  const bare = bareType(type);
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
    case 'number':
      if (!text.trim() || Number.isNaN(Number(text))) {
        throw new Error(type);
      }
      return (bare === 'number' && /^\s*-?\d+\s*$/.test(text) ? exact : finite)(Number(text));
    case 'bool':
      if (!/^(true|false)$/i.test(text.trim())) {
        throw new Error(type);
      }
      return text.trim().toLowerCase() === 'true';
    default:
      return TEXT.test(bare) ? text : structured(text, bare);
  }
}

/** A JSON list of values of a type, each once or more; throws when it is none, is empty, or a value does not fit. */
export function readSweep(text: string, type: string): readonly unknown[] {
  const values = parsed(text);
  if (!Array.isArray(values) || !values.length) {
    throw new Error(type);
  }
  const typed = /^(int|float|bool)$/.test(bareType(type));
  return values.map((value: unknown) => (typed ? readValue(shown(value), type) : value));
}

/** A text of JSON; throws when it is none, or a number in it would not arrive as it is. */
export const parsed = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'number' && (Number.isInteger(value) || !Number.isFinite(value)) ? exact(value) : value
  );

/** JSON, or a text that does not begin like JSON; of a list or a mapping nothing else. */
function structured(text: string, type: string): unknown {
  const fits = type.includes('|') ? undefined : SHAPES.find(([names]) => names.test(type))?.[1];
  let value: unknown = text;
  try {
    value = parsed(text);
  } catch (error) {
    if (error instanceof Inexact || /^\s*[[{"]/.test(text)) {
      throw error;
    }
  }
  if (fits && !fits(value)) {
    throw new Error(type);
  }
  return value;
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
