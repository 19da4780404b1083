import '../../style/monitoring.css';

import React from 'react';

import type { IAlert } from '../api/types';
import { useMarks } from '../components/chartmarks';
import { cx } from '../components/cx';
import { placed, ticks } from '../components/marks';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

interface ITimelineProps {
  deployment: string;
  alerts: readonly IAlert[];
  start: string;
  end: string;
}

/** What else happened in the window: deployments, runs of pipelines, alerts. */
export function Timeline({ deployment, alerts, start, end }: ITimelineProps): React.ReactElement {
  const { trans, open } = useWorkbench();
  const data = useMarks(deployment);
  const fired = alerts
    .filter(({ state }) => state !== 'ok')
    .map(alert => ({
      at: alert.since,
      state: alert.state,
      text: alert.name,
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
          <span key={at} style={{ left: share(at) }}>
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
