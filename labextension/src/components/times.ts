import * as format from '../format';

type Moment = string | null | undefined;

/**
 * How the moments of one table are written: to the second where two of them would read the same to
 * the minute.
 */
export function clock(moments: readonly Moment[]): (moment: Moment) => string {
  const different = new Set(moments.filter(moment => moment));
  const minutes = new Set([...different].map(moment => format.time(moment ?? null)));
  return minutes.size < different.size ? withSeconds : moment => format.time(moment ?? null);
}

function withSeconds(moment: Moment): string {
  const minutes = format.time(moment ?? null);
  const date = new Date(moment ?? '');
  return Number.isNaN(date.getTime())
    ? minutes
    : `${minutes}:${String(date.getSeconds()).padStart(2, '0')}`;
}
