import type { IDraftRule } from '../api/types';

/** How a key of a rule is asked for. */
export type FieldKind = 'text' | 'number' | 'span' | 'names';

/** What a key holds, as a field shows it. */
export function shown(rule: IDraftRule, path: readonly string[]): string {
  let value: unknown = rule.values;
  for (const key of path) {
    value =
      typeof value === 'object' && value !== null
        ? (value as Readonly<Record<string, unknown>>)[key]
        : undefined;
  }
  if (value === undefined || value === null) {
    return '';
  }
  return Array.isArray(value)
    ? value.join(', ')
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}

/** What was typed as a value of the file; null takes the key away, undefined is no value. */
export function read(text: string, kind: FieldKind): unknown {
  const typed = text.trim();
  if (!typed) {
    return null;
  }
  if (kind === 'number') {
    const number = Number(typed);
    return Number.isFinite(number) ? number : undefined;
  }
  if (kind === 'names') {
    const names = typed
      .split(',')
      .map(name => name.trim())
      .filter(Boolean);
    return names.length === 1 ? names[0] : names;
  }
  return kind === 'span' ? typed.replace(/\s+/g, '') : typed;
}

/** The key of the file and its value, for a field that may lie one level deeper: `where.feature`. */
export function changeOf(
  rule: IDraftRule,
  [key = '', inner]: readonly string[],
  value: unknown
): Record<string, unknown> {
  if (inner === undefined) {
    return { [key]: value };
  }
  const before = rule.values[key];
  const around = typeof before === 'object' && before !== null ? { ...before } : {};
  const whole = Object.fromEntries(
    Object.entries({ ...around, [inner]: value }).filter(([, item]) => item !== null)
  );
  return { [key]: Object.keys(whole).length ? whole : null };
}
