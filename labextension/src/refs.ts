import { kinds } from './kinds';

/**
 * References: the one grammar of search, drag, magics, CLI and deep links, `kind:name[@at]`.
 * `jupyter_mlinfra/core/refs.py` is its other half.
 *
 * In a name, every sign but letters of ASCII, digits and `_-.~!*'()` is percent-encoded, so that
 * what joins two names (`/` of a step, `:` of a feature, `.` of a column) and the `@` cannot be
 * part of one. The name of a column has its dots encoded as well: what follows the last dot is the
 * column, whatever is before it the dataset. Reading is lenient: a sign that was not encoded stands
 * for itself.
 */
export interface IRef {
  kind: string;
  /** The names as they are: one for most kinds, the dataset and the column for a column. */
  parts: readonly string[];
  /** The names in one text, to show or to ask for. */
  name: string;
  at: string | null;
}

const GRAMMAR = /^([a-z]+):([^\s@]+)(?:@(\S+))?$/;

/** The parts of a reference, or null when the text is none. */
export function parseRef(text: string): IRef | null {
  const [, kind, name, at] = GRAMMAR.exec(text) ?? [];
  if (!kind || !name) {
    return null;
  }
  const parts = split(kind, name).map(decoded);
  return {
    kind,
    parts,
    name: parts.join(joinOf(kind)),
    at: at === undefined ? null : decoded(at)
  };
}

export const kindOf = (ref: string): string => parseRef(ref)?.kind ?? '';
export const nameOf = (ref: string): string => parseRef(ref)?.name ?? ref;

/** A text with the beginnings of long ids in their place; the whole ones are seen on hover. */
export const short = (text: string): string => text.replace(/[0-9a-f]{16,}/g, id => id.slice(0, 8));

/** The name with what follows the `@`: a snapshot, an alias. */
export function labelOf(ref: string): string {
  const parsed = parseRef(ref);
  return parsed?.at ? `${parsed.name}@${parsed.at}` : nameOf(ref);
}

/**
 * The reference of an object by its name, or by its names: `formatRef('column', ['sales.orders',
 * 'amount'])`.
 */
export function formatRef(
  kind: string,
  name: string | readonly string[],
  at?: string | null
): string {
  const parts = (typeof name === 'string' ? [name] : name).map(encoded);
  const join = kinds.get(kind)?.join;
  if (join?.last) {
    const sign = join.sign.charCodeAt(0).toString(16).toUpperCase();
    parts.push((parts.pop() ?? '').replaceAll(join.sign, `%${sign}`));
  }
  return `${kind}:${parts.join(joinOf(kind))}${at ? `@${encoded(at)}` : ''}`;
}

const joinOf = (kind: string): string => kinds.get(kind)?.join?.sign ?? '';

function split(kind: string, name: string): string[] {
  const join = kinds.get(kind)?.join;
  if (!join?.last) {
    return join ? name.split(join.sign) : [name];
  }
  const end = name.lastIndexOf(join.sign);
  return end < 0 ? [name] : [name.slice(0, end), name.slice(end + join.sign.length)];
}

/** Half a character, which a file name can hold, has no encoding. */
const encoded = (text: string): string =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));

/** What is no UTF-8 was not encoded by us and stays. */
const decoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, found => {
    try {
      return decodeURIComponent(found);
    } catch {
      return found;
    }
  });

/**
 * The object that has a page: a column opens its dataset, a feature its view, a version its model.
 */
export function pageOf(ref: string): string {
  const parsed = parseRef(ref);
  if (!parsed) {
    return ref;
  }
  const { kind, parts, at } = parsed;
  const owner = kinds.get(kind)?.owner;
  return owner ? formatRef(owner, parts[0] ?? '') : formatRef(kind, parts, at);
}
