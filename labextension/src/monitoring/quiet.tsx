import React from 'react';

import type { IAlert } from '../api/types';
import { cx } from '../components/cx';
import { useWorkbench } from '../hooks/context';

/** So many alerts of a rule in one state are shown each for itself; of more, the first. */
export const APART = 3;

/** Alerts that ask for attention: firing, pending, silenced and without data. */
export const loudOf = (alerts: readonly IAlert[]): IAlert[] =>
  alerts.filter(({ state }) => state !== 'ok');

/** What tells a line from others: several alerts of a rule, folded to one line, share a reference. */
export const idOf = ({ ref, state, silence, count }: IAlert): string =>
  count > 1 ? `${ref} ${state} ${silence?.number ?? ''}` : ref;

/** An alert that is shown in full, and the others of its rule in its state, if these are many. */
export interface IGroup {
  id: string;
  alert: IAlert;
  others: readonly IAlert[];
}

/** In their order, those of one rule and state together. */
export function groupsOf(alerts: readonly IAlert[]): IGroup[] {
  const found = new Map<string, IAlert[]>();
  for (const alert of alerts) {
    const id = alert.count > 1 ? idOf(alert) : `${alert.monitor} ${alert.name} ${alert.state}`;
    found.set(id, [...(found.get(id) ?? []), alert]);
  }
  return [...found].flatMap(([id, members]) => {
    const [alert, ...others] = members;
    return !alert || members.length <= APART
      ? members.map(member => ({ id: idOf(member), alert: member, others: [] }))
      : [{ id, alert, others }];
  });
}

/** One line for the alerts that are ok: `ok: drift 29 features, failed`. */
export function Quiet({ alerts }: { alerts: readonly IAlert[] }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const names = alerts
    .filter(({ state }) => state === 'ok')
    .map(({ name, subject, labels, count }) =>
      count > 1 || Object.keys(labels).length ? `${name} ${subject}` : name
    );
  return names.length ? (
    <p className={cx('more')}>{trans.__('ok: %1', [...new Set(names)].join(', '))}</p>
  ) : null;
}
