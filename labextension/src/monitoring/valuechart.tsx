import '../../style/monitoring.css';

import React from 'react';

import type { IAlert, IPoint } from '../api/types';
import { ChartMarks, MarksInWords } from '../components/chartmarks';
import { cx } from '../components/cx';
import { type IMark, ticks } from '../components/marks';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { measureOf } from './measured';
import { trackOf } from './values';

/** Alone, and beside another chart. */
const [WIDE, NARROW] = [860, 480];
const HEIGHT = 170;
const FOOT = 20;
const LEFT = 44;
/** The width of a label with its room. */
const TICK = 100;

/** The value of an alert over time, with its threshold, and the window in which it was crossed. */
export function ValueChart({
  alert,
  points,
  clear,
  marks,
  start,
  end,
  wide
}: {
  alert: IAlert;
  points: readonly IPoint[];
  /** What happened meanwhile. */
  marks: readonly IMark[];
  clear: number | null;
  start: number;
  end: number;
  /** Whether it has the width of the page. */
  wide: boolean;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const width = wide ? WIDE : NARROW;
  const now = typeof alert.value?.value === 'number' ? alert.value.value : null;
  const limits = [alert.threshold, clear, now].filter((value): value is number => value !== null);
  const { lines, tall, across, most } = trackOf(points, limits, start, end);
  const x = (share: number): number => LEFT + Math.max(0, Math.min(1, share)) * (width - LEFT);
  const y = (share: number): number => (HEIGHT - FOOT) * (1 - share);
  const window = alert.window_start && [
    across(Date.parse(alert.window_start)),
    across(Date.parse(alert.window_end ?? new Date(end).toISOString()))
  ];
  const label = trans.__('%1 over time, threshold %2', measureOf(alert), alert.threshold);
  return (
    <div className={cx('inset')}>
      <svg
        className={cx('chart', wide ? 'monitoring-values' : 'monitoring-overlay')}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={label}
      >
        {window && (
          <rect
            className={cx('monitoring-bad-window')}
            x={x(window[0] ?? 0)}
            width={Math.max(2, x(window[1] ?? 0) - x(window[0] ?? 0))}
            y={0}
            height={HEIGHT - FOOT}
          >
            <title>{trans.__('the threshold was crossed')}</title>
          </rect>
        )}
        <Ticks start={start} end={end} width={width} />
        <ChartMarks marks={marks} start={start} end={end} across={x} height={HEIGHT - FOOT} />
        <Scale most={most} width={width} />
        <Limit
          value={alert.threshold}
          words={trans.__('threshold')}
          at={y(tall(alert.threshold))}
          width={width}
        />
        {clear !== null && (
          <Limit
            value={clear}
            words={trans.__('ends below')}
            at={y(tall(clear))}
            width={width}
            quiet
          />
        )}
        {lines.map(line => (
          <polyline
            key={line[0]?.join()}
            className={cx('monitoring-line', 'series-2')}
            points={line.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}
          />
        ))}
        {lines.flat().map(([a, b]) => (
          <circle
            key={a}
            className={cx('monitoring-dot', 'series-2')}
            cx={x(a)}
            cy={y(b)}
            r={2.5}
          />
        ))}
        {now !== null && alert.evaluated_at && (
          <circle
            className={cx('monitoring-now', 'series-2')}
            cx={x(across(Date.parse(alert.evaluated_at)))}
            cy={y(tall(now))}
            r={4}
          >
            <title>{trans.__('as it was judged last: %1', format.number(now, 3))}</title>
          </circle>
        )}
      </svg>
      <MarksInWords marks={marks} start={start} end={end} />
    </div>
  );
}

/** The axis, and its two ends in words. */
function Scale({ most, width }: { most: number; width: number }): React.ReactElement {
  return (
    <>
      <line className={cx('axis')} x1={LEFT} x2={width} y1={HEIGHT - FOOT} y2={HEIGHT - FOOT} />
      <text x={LEFT - 6} y={10} textAnchor="end">
        {format.number(most, 2)}
      </text>
      <text x={LEFT - 6} y={HEIGHT - FOOT} textAnchor="end">
        0
      </text>
    </>
  );
}

function Limit({
  value,
  words,
  at,
  width,
  quiet
}: {
  value: number;
  words: string;
  at: number;
  width: number;
  quiet?: boolean;
}): React.ReactElement {
  return (
    <>
      <line
        className={cx('monitoring-limit', quiet && 'is-quiet')}
        x1={LEFT}
        x2={width}
        y1={at}
        y2={at}
      />
      <text x={LEFT + (quiet ? 130 : 4)} y={at - 3}>
        {words} {format.number(value, 3)}
      </text>
    </>
  );
}

function Ticks({
  start,
  end,
  width
}: {
  start: number;
  end: number;
  width: number;
}): React.ReactElement {
  const across = (at: number): number =>
    LEFT + ((at - start) / Math.max(1, end - start)) * (width - LEFT);
  return (
    <>
      {ticks(start, end, Math.floor(width / TICK)).map(at => (
        <g key={at}>
          <line
            className={cx('monitoring-gridline')}
            x1={across(at)}
            x2={across(at)}
            y1={0}
            y2={HEIGHT - FOOT}
          />
          <text x={across(at)} y={HEIGHT - 5} textAnchor="middle">
            {format.time(new Date(at).toISOString())}
          </text>
        </g>
      ))}
    </>
  );
}
