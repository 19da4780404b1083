/** Cron texts as sentences: what people mean mostly, and the way back. */
export const EVERY = ['hour', 'day', 'weekday', 'week', 'month', 'other'] as const;
export type Every = (typeof EVERY)[number];

export interface ISentence {
  /** `other`: the cron text says more than a sentence can. */
  every: Every;
  /** `06:00`; of an hour only the minute counts. */
  time: string;
  /** Of a week: 1 is Monday, 7 Sunday. */
  weekday: number;
  /** Of a month. */
  day: number;
}

const START: ISentence = { every: 'day', time: '06:00', weekday: 1, day: 1 };
const NUMBER = /^\d{1,2}$/;

/** The cron text of a sentence; null for one that has none of its own, or a time that is none. */
export function cronOf({ every, time, weekday, day }: ISentence): string | null {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(time) ?? [];
  const [hour, minute] = [Number(hours), Number(minutes)];
  if (hours === undefined || hour > 23 || minute > 59) {
    return null;
  }
  switch (every) {
    case 'hour':
      return `${minute} * * * *`;
    case 'day':
      return `${minute} ${hour} * * *`;
    case 'weekday':
      return `${minute} ${hour} * * 1-5`;
    case 'week':
      return `${minute} ${hour} * * ${weekday}`;
    case 'month':
      return `${minute} ${hour} ${day} * *`;
    default:
      return null;
  }
}

/** The sentence that a cron text says. */
export function sentenceOf(cron: string): ISentence {
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...rest] = cron
    .trim()
    .split(/\s+/);
  const clock = hour === '*' ? '0' : hour;
  if (rest.length || month !== '*' || !NUMBER.test(minute) || !NUMBER.test(clock)) {
    return { ...START, every: 'other' };
  }
  const sentence = { ...START, time: `${clock.padStart(2, '0')}:${minute.padStart(2, '0')}` };
  const everyDay = day === '*' && weekday === '*';
  if (hour === '*') {
    return { ...sentence, every: everyDay ? 'hour' : 'other' };
  }
  if (everyDay) {
    return { ...sentence, every: 'day' };
  }
  if (day === '*' && weekday === '1-5') {
    return { ...sentence, every: 'weekday' };
  }
  if (day === '*' && /^[0-7]$/.test(weekday)) {
    return { ...sentence, every: 'week', weekday: Number(weekday) || 7 };
  }
  return weekday === '*' && NUMBER.test(day)
    ? { ...sentence, every: 'month', day: Number(day) }
    : { ...sentence, every: 'other' };
}
