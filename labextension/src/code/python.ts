import { kinds } from '../kinds';
import { parseRef } from '../refs';

/** A Python string literal: JSON's escapes are all Python's too. */
export const quote = (text: string): string => JSON.stringify(text);

/** A JSON value as a Python literal. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(', ')}]`;
  }
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quote(key)}: ${literal(item)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

/**
 * Words of Python, and names that the code of the workbench itself needs; the server keeps the same
 * list.
 */
const TAKEN = new Set(
  (
    'and as assert async await break case class continue def del elif else except finally for from global if import in is lambda ' +
    'lazy match nonlocal not or pass raise return try type while with yield charts ml print'
  ).split(' ')
);

/** A name that Python takes as a variable, made from the last part of an object's name. */
export function variable(name: string): string {
  const last = name.split(/[./:]/).pop() ?? name;
  const plain = last.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase();
  const begun = /^[a-z]/.test(plain) ? plain : `x${plain ? `_${plain}` : ''}`;
  return TAKEN.has(begun) ? `${begun}_` : begun;
}

/**
 * A lazy frame under a name, and its first rows, since a cell that shows nothing tells nobody
 * whether it is right.
 */
export const frame = (name: string, made: string): string =>
  `${name} = ${made}\n${name}.head(5).collect()`;

/**
 * The Python that gives these objects, without the import; empty for references that have no form.
 */
export function pythonFor(references: readonly string[]): string {
  const parsed = references.map(parseRef).filter(ref => ref !== null);
  const [first] = parsed;
  if (first && parsed.length > 1 && parsed.every(({ kind }) => kind === first.kind)) {
    const joint = kinds.get(first.kind)?.codeOfAll?.(parsed);
    if (joint) {
      return joint;
    }
  }
  return parsed
    .map(ref => kinds.get(ref.kind)?.code?.(ref) ?? '')
    .filter(Boolean)
    .join('\n');
}
