import '../../style/monitoring.css';

import React from 'react';

import type { IAlert } from '../api/types';
import { useMarks } from '../components/chartmarks';
import { cx } from '../components/cx';
import { placed, ticks } from '../components/marks';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { loudOf } from './quiet';

interface ITimelineProps {
  deployment: string;
  alerts: readonly IAlert[];
  start: string;
  end: string;
}

const titled = ({ name, subject }: IAlert): string => [name, subject].filter(Boolean).join(' ');

/** The alerts that ask for attention; those of a rule that took their state together are one. */
function together(alerts: readonly IAlert[]): { alert: IAlert; count: number }[] {
  const found = new Map<string, { alert: IAlert; count: number }>();
  for (const alert of loudOf(alerts)) {
    const moment = `${alert.name} ${alert.state} ${alert.since}`;
    const known = found.get(moment);
    found.set(moment, { alert: known?.alert ?? alert, count: (known?.count ?? 0) + alert.count });
  }
  return [...found.values()];
}

/** What else happened in the window: deployments, runs of pipelines, alerts. */
export function Timeline({ deployment, alerts, start, end }: ITimelineProps): React.ReactElement {
  const { trans, open } = useWorkbench();
  const data = useMarks(deployment);
  const fired = together(alerts).map(({ alert, count }) => ({
    at: alert.since,
    state: alert.state,
    text: count > 1 ? `${alert.name} × ${count}` : titled(alert),
    ref: alert.ref
  }));
  const [from, to] = [Date.parse(start), Date.parse(end)];
  const shown = placed([...(data?.marks ?? []), ...fired], from, to);
  const lanes = Math.max(1, ...shown.map(({ lane }) => lane + 1));
  const share = (at: number): string => `${((at - from) / Math.max(1, to - from)) * 100}%`;
  return (
    <section className={cx('monitoring-timeline')} aria-label={trans.__('Timeline')}>
      <ul style={{ height: lanes * 20 }}>
        {shown.map(mark => (
          <li
            key={`${mark.ref} ${mark.at} ${mark.text}`}
            className={cx(mark.left && 'is-left')}
            style={{
              top: mark.lane * 20,
              ...(mark.left ? { right: `${(1 - mark.x) * 100}%` } : { left: `${mark.x * 100}%` })
            }}
          >
            <button
              type="button"
              title={`${format.time(mark.at)} ${mark.text}`}
              onClick={() => void open(mark.ref)}
            >
              <State state={mark.state} bare /> <span>{mark.text}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className={cx('monitoring-axis')} aria-hidden="true">
        {ticks(from, to).map(at => (
          // The nearer it is to an end, the less of it stands beyond.
          <span key={at} style={{ left: share(at), transform: `translateX(-${share(at)})` }}>
            {format.time(new Date(at).toISOString())}
          </span>
        ))}
      </div>
      {!shown.length && (
        <p className={cx('more')}>
          {trans.__('No deployment, run of a pipeline or alert in this window.')}
        </p>
      )}
      {Boolean(data?.missing.length) && (
        <p className={cx('more')}>
          {trans.__('Not shown, since it could not be read: %1', data?.missing.join(', ') ?? '')}
        </p>
      )}
    </section>
  );
}
