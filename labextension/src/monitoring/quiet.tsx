import React from 'react';

import type { IAlert } from '../api/types';
import { cx } from '../components/cx';
import { useWorkbench } from '../hooks/context';

/** Alerts that ask for attention: firing, pending, silenced and without data. */
export const loudOf = (alerts: readonly IAlert[]): IAlert[] =>
  alerts.filter(({ state }) => state !== 'ok');

/** What tells a line from others: several alerts of a rule, folded to one line, share a reference. */
export const idOf = ({ ref, state, silence, count }: IAlert): string =>
  count > 1 ? `${ref} ${state} ${silence?.number ?? ''}` : ref;

/** One line for the alerts that are ok: `ok: drift 29 features, failed`. */
export function Quiet({ alerts }: { alerts: readonly IAlert[] }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const names = alerts
    .filter(({ state }) => state === 'ok')
    .map(({ name, subject, count }) => (count > 1 ? `${name} ${subject}` : name));
  return names.length ? (
    <p className={cx('more')}>{trans.__('ok: %1', [...new Set(names)].join(', '))}</p>
  ) : null;
}
