/** Put one back into a list that has changed since: after all that stood before it then. */
export function putBack(
  list: readonly string[],
  one: string,
  before: readonly string[]
): readonly string[] {
  const earlier = before.includes(one) ? before.slice(0, before.indexOf(one)) : list;
  const place = Math.max(-1, ...earlier.map(other => list.indexOf(other))) + 1;
  return [...list.slice(0, place), one, ...list.slice(place)];
}
