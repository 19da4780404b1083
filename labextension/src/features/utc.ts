/** `2013-07-12 18:30`: a moment in UTC, as forms and rules of joins have it. */
export function utc(moment: string | null): string {
  if (!moment) {
    return '';
  }
  const text = new Date(moment).toISOString().slice(0, 19).replace('T', ' ');
  return text.endsWith(':00') ? text.slice(0, 16) : text;
}

const TYPED = /^(\d{4}-\d\d-\d\d)(?:[ T]+(\d\d:\d\d(?::\d\d(?:\.\d+)?)?) *(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * What is typed as a moment of UTC, `2013-07-12 18:30` or a day alone, as the server reads it. A
 * zone that follows counts. Anything else goes whole, so that the server refuses it.
 */
export function typedUtc(text: string): string {
  const typed = text.trim();
  const [, day, time = '00:00', zone = 'Z'] = TYPED.exec(typed) ?? [];
  if (day) {
    return `${day}T${time}${zone.toUpperCase()}`;
  }
  // The server would read a number alone as seconds since 1970.
  return typed.includes(' ') ? typed : `${typed}T00:00Z`;
}
