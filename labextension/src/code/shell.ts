/** A word as a shell, and a line magic, takes it. */
export const quoted = (word: string): string =>
  /^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;

/**
 * Parameters as options. The command line reads 5 and true as what they look like, unless told that
 * they are texts.
 */
export const given = (parameters: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(parameters).flatMap(([key, value]) =>
    (typeof value === 'string'
      ? ['-r', `${key}=${value}`]
      : ['-p', `${key}=${JSON.stringify(value)}`]
    ).map(quoted)
  );
