/** `2013-07-12 18:30`: a moment in UTC, as forms and rules of joins have it. */
export function utc(moment: string | null): string {
  if (!moment) {
    return '';
  }
  const text = new Date(moment).toISOString().slice(0, 19).replace('T', ' ');
  return text.endsWith(':00') ? text.slice(0, 16) : text;
}

/** What is typed as a moment of UTC, `2013-07-12 18:30` or a day alone, as the server reads it. */
export function typedUtc(text: string): string {
  const [day = '', time = '00:00'] = text.trim().split(/[ T]+/);
  return `${day}T${/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`}`;
}
