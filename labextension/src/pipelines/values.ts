/** Values of a pipeline's parameters in fields: texts bare, everything else as JSON. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A field as a value of the kind that its default has. */
export function readText(text: string, like: unknown): { value: unknown; fault: boolean } {
  if (typeof like === 'string') {
    return { value: text, fault: false };
  }
  try {
    const value: unknown = JSON.parse(text);
    const fault = like !== null && typeof value !== typeof like;
    return { value, fault };
  } catch {
    return { value: text, fault: like !== null };
  }
}

/** Only what differs from the defaults is sent. */
export function withoutDefaults(
  read: readonly { name: string; value: unknown }[],
  defaults: Readonly<Record<string, unknown>>
): Record<string, unknown> {
  return Object.fromEntries(
    read
      .filter(({ name, value }) => JSON.stringify(value) !== JSON.stringify(defaults[name]))
      .map(({ name, value }) => [name, value])
  );
}
