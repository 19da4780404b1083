import type { TranslationBundle } from '@jupyterlab/translation';

import type { IView } from '../api/types';
import * as format from '../format';

/**
 * Above this age in seconds a date says more than an age: the data are of the past, and nobody
 * waits for newer ones.
 */
export const HISTORICAL = 30 * 86_400;

/** Whether the newest value online is so old that its date is shown, not its age. */
export const isHistorical = ({ online_at }: IView, now = Date.now()): boolean =>
  online_at !== null && format.secondsSince(online_at, now) > HISTORICAL;

/** How new the values online are: `online fresh, 38 min`, or `online · data until 2013-12-31`. */
export function onlineWords(
  view: IView,
  trans: TranslationBundle,
  now = Date.now()
): string | undefined {
  if (view.freshness !== 'fresh' || !view.online_at) {
    return undefined;
  }
  return isHistorical(view, now)
    ? trans.__('online · data until %1', format.day(view.online_at))
    : trans.__('online fresh, %1', format.span(format.secondsSince(view.online_at, now)));
}

/** That nobody should take a view any more, and what in its place. */
export const deprecatedWords = (
  { name, deprecated }: Pick<IView, 'name' | 'deprecated'>,
  trans: TranslationBundle
): string =>
  deprecated
    ? trans.__('%1 is deprecated: %2', name, deprecated)
    : trans.__('%1 is deprecated.', name);
