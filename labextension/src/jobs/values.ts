import type { IParameter } from '../api/types';

/** Values of parameters, between the fields of a form and JSON. */

/** The messages about a value that does not fit. */
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

/**
 * A number that would arrive as another one, since JSON and JavaScript know fewer numbers than
 * Python.
 */
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

/** Whether a parameter is true or false. */
export const isBool = (type: string): boolean => bareType(type) === 'bool';

/** What a field of true or false can hold; null where its type or its default says so. */
export const boolWords = ({
  type,
  default: usual
}: Pick<IParameter, 'type' | 'default'>): string[] => [
  'true',
  'false',
  ...(usual === null || /None|Optional/.test(type) ? ['null'] : [])
];

const isStructured = (type: string): boolean =>
  SHAPES.some(([names]) => names.test(bareType(type)));

/**
 * The values that a parameter is swept over: with commas between them (`4, 6, 8`), or a list in
 * JSON, as lists and mappings need it. Throws when there are none, or one does not fit.
 */
export function readSweep(text: string, type: string): readonly unknown[] {
  const words =
    /^\s*\[/.test(text) || isStructured(type) ? null : text.replace(/,\s*$/, '').split(',');
  if (words) {
    return words.map(word => readWord(word.trim(), type));
  }
  const values = parsed(text);
  if (!Array.isArray(values) || !values.length) {
    throw new Error(type);
  }
  const typed = /^(int|float|bool)$/.test(bareType(type));
  return values.map((value: unknown) => (typed ? readValue(shown(value), type) : value));
}

/** One of the values between commas; of an unknown type JSON where it reads as such. */
function readWord(word: string, type: string): unknown {
  if (!word) {
    throw new Error(type);
  }
  return type ? readValue(word, type) : structured(word, type);
}

/** How values of a type are written in a sweep. */
export function sweepExample(type: string): string {
  const examples: Readonly<Record<string, string>> = {
    int: '4, 6, 8',
    float: '0.1, 0.3',
    bool: 'true, false'
  };
  return examples[bareType(type)] ?? (isStructured(type) ? '[[1, 2], [3]]' : 'plane, ship');
}

/** A value of a field as the first of a sweep. */
export function firstOfSweep(text: string, type: string): string {
  if (isStructured(type)) {
    return `[${text}]`;
  }
  return isBool(type) && /^(true|false)$/i.test(text)
    ? `${text.toLowerCase()}, ${text.toLowerCase() === 'true' ? 'false' : 'true'}`
    : text === '' || /^\s*\[|,/.test(text)
      ? JSON.stringify([text])
      : text;
}

/** A text of JSON; throws when it is none, or a number in it would not arrive as it is. */
export const parsed = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'number' && (Number.isInteger(value) || !Number.isFinite(value))
      ? exact(value)
      : value
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
