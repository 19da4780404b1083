/** Class names with the prefix of this extension; falsy names are left out. */
export function cx(...names: readonly (string | false | null | undefined)[]): string {
  return names
    .filter(Boolean)
    .map(name => `jp-mlinfra-${name}`)
    .join(' ');
}
