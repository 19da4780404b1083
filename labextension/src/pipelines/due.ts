import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFiring, ISchedule } from '../api/types';
import * as format from '../format';
import { sentenceOf } from './cron';

const language = (): string | undefined => document.documentElement.lang || undefined;

/** A due time as the clock of its own zone shows it: `Wed 25 Nov 06:00`. */
export function dueWords(at: string, withDay = true): string {
  const wall = new Date(`${at.slice(0, 16)}Z`); // the offset is left out: the wall clock is what counts
  if (Number.isNaN(wall.getTime())) {
    return at;
  }
  const day = wall.toLocaleDateString(language(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC'
  });
  return withDay ? `${day} ${at.slice(11, 16)}` : at.slice(11, 16);
}

/** The last part of a zone's name, as people call it: `Europe/Paris` → `Paris`. */
export const zoneName = (tz: string): string => tz.split('/').pop()?.replace(/_/g, ' ') ?? tz;

/** The look of what became of a due time: other shapes than those of a step. */
export const firingLook = ({ state, outcome }: Pick<IFiring, 'state' | 'outcome'>): string =>
  state === 'skipped'
    ? 'overlap'
    : state === 'failed'
      ? 'refused'
      : (state === 'started' && outcome) || state;

/** How long until a moment: `in 7 h`. */
export function untilWords(at: string, trans: TranslationBundle, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  return seconds < 1 ? trans.__('now') : trans.__('in %1', format.span(seconds));
}

/** The name of a day of the week; 1 is Monday. */
export const weekdayName = (day: number, style: 'long' | 'short' = 'long'): string =>
  new Date(Date.UTC(2024, 0, day)).toLocaleDateString(language(), {
    weekday: style,
    timeZone: 'UTC'
  });

/** When a schedule is due, in words: `every weekday at 06:00 in Europe/Paris`. */
export function whenWords(
  { cron, tz }: Pick<ISchedule, 'cron' | 'tz'>,
  trans: TranslationBundle
): string {
  const { every, time, weekday, day } = sentenceOf(cron);
  switch (every) {
    case 'hour':
      return trans.__('every hour at minute %1', time.slice(3));
    case 'day':
      return trans.__('every day at %1 in %2', time, tz);
    case 'weekday':
      return trans.__('every weekday at %1 in %2', time, tz);
    case 'week':
      return trans.__('every %1 at %2 in %3', weekdayName(weekday), time, tz);
    case 'month':
      return trans.__('on day %1 of every month at %2 in %3', day, time, tz);
    default:
      return trans.__('cron %1 in %2', cron, tz);
  }
}

/** The same in a row of a list: `06:00 Paris`. */
export function whenShort({ cron, tz }: Pick<ISchedule, 'cron' | 'tz'>): string {
  const { every, time, weekday, day } = sentenceOf(cron);
  const zone = zoneName(tz);
  switch (every) {
    case 'hour':
      return `*:${time.slice(3)}`;
    case 'week':
      return `${weekdayName(weekday, 'short')} ${time} ${zone}`;
    case 'month':
      return `${day}. ${time} ${zone}`;
    case 'other':
      return `${cron} ${zone}`;
    default:
      return `${time} ${zone}`;
  }
}

/** The schedule that is due next; of those that are never due, any. */
export const nearest = <T extends Pick<ISchedule, 'next'>>(
  schedules: readonly T[]
): T | undefined => [...schedules].sort((a, b) => momentOf(a) - momentOf(b))[0];

const momentOf = ({ next: [first] }: Pick<ISchedule, 'next'>): number =>
  first ? Date.parse(first) : Number.MAX_VALUE;

/** What happens with times that were missed, and with a run that still goes on. */
export const policyWords = {
  catchup: (trans: TranslationBundle): Readonly<Record<ISchedule['catchup'], string>> => ({
    latest: trans.__('run the latest'),
    all: trans.__('run all of them'),
    none: trans.__('run none')
  }),
  overlap: (trans: TranslationBundle): Readonly<Record<ISchedule['overlap'], string>> => ({
    skip: trans.__('skip this time'),
    queue: trans.__('wait for it'),
    cancel: trans.__('cancel it')
  })
};
