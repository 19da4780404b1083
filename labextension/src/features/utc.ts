/** `2013-07-12 18:30`: a moment in UTC, as forms and rules of joins have it. */
export function utc(moment: string | null): string {
  if (!moment) {
    return '';
  }
  const text = new Date(moment).toISOString().slice(0, 19).replace('T', ' ');
  return text.endsWith(':00') ? text.slice(0, 16) : text;
}
