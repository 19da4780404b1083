import '../../style/features.css';

import React from 'react';

import type { IExplained, IJudgedRow } from '../api/types';
import { cx } from '../components/cx';
import { lookOf } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { utc } from './utc';

const WIDTH = 1000;
const HEIGHT = 104;
const LINE = 64;
const ROOM = 60;
/** Rows that are drawn: more would cover each other. */
const DRAWN = 12;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** Between two ticks; the last one of days is that of years. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720]
  .map(minutes => minutes * MINUTE)
  .concat([1, 2, 7, 14, 30, 91, 182, 365].map(days => days * DAY));
const MOST_TICKS = 8;
/** Between two words: of nearer rows one has its word, the others say it under the pointer. */
const APART = 60;

/** Whether a row counts: it is taken, or is one of the votes. */
export const isTaken = ({ verdict }: IJudgedRow): boolean =>
  verdict === 'taken' || verdict === 'counted';

const millis = (moment: string | null): number => (moment ? Date.parse(moment) : NaN);

/** Where rows may count: within the ttl, or from the first window on to the end of the last. */
function insideOf({ at, ttl_seconds, windows }: IExplained): { from: number | null; to: number } {
  if (windows.length) {
    const starts = windows.map(({ start }) => start);
    return {
      from: starts.includes(null) ? null : Math.min(...starts.map(millis)),
      to: Math.max(...windows.map(({ end }) => millis(end)))
    };
  }
  const to = millis(at);
  return { from: ttl_seconds === null ? null : to - ttl_seconds * 1000, to };
}

/** Round times between two, and the step between them: whole minutes, hours or days of UTC. */
export function ticksOf(low: number, high: number): { times: readonly number[]; step: number } {
  const fits = STEPS.find(one => (high - low) / one < MOST_TICKS);
  const step = fits ?? Math.ceil((high - low) / MOST_TICKS / DAY) * DAY;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return { times: Array.from({ length: count }, (_, index) => (first + index) * step), step };
}

/** A tick as short as it can be told from the others: a day, or its time too. */
function tickText(time: number, step: number): string {
  const text = utc(new Date(time).toISOString());
  return step >= DAY ? text.slice(0, 10) : text.slice(5);
}

/** The rows around the time that is asked for: those inside the ttl, and which one is taken. */
export function Timeline({ found }: { found: IExplained }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const at = millis(found.at);
  const inside = insideOf(found);
  const rows = found.rows.filter(({ event_at }) => event_at !== null).slice(0, DRAWN);
  const times = [at, ...rows.map(({ event_at }) => millis(event_at))];
  const near = [...times, inside.to, ...(inside.from === null ? [] : [inside.from])];
  const [low, high] = [Math.min(...near), Math.max(...near)];
  if (!rows.length || low === high) {
    return null;
  }
  const x = (time: number): number => ROOM + ((time - low) / (high - low)) * (WIDTH - 2 * ROOM);
  const start = inside.from === null ? ROOM / 2 : x(inside.from);
  const ticks = ticksOf(low, high);
  const lanes = new Map<number, number>();
  const labelled: number[] = [];
  const label = trans.__('Rows around %1 UTC', utc(found.at));
  return (
    <svg
      className={cx('chart', 'features-timeline')}
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
    >
      <rect
        className={cx('features-inside')}
        x={start}
        y={14}
        width={Math.max(0, x(inside.to) - start)}
        height={LINE + 8}
      />
      {inside.from !== null && (
        <text x={start + 6} y={26}>
          {found.windows.length
            ? trans.__('inside the windows')
            : trans.__('inside ttl: %1', format.span((inside.to - inside.from) / 1000))}
        </text>
      )}
      {ticks.times.map(time => (
        <g key={time}>
          <line
            className={cx('features-tick')}
            x1={x(time)}
            x2={x(time)}
            y1={LINE + 16}
            y2={LINE + 22}
          />
          <text x={x(time)} y={HEIGHT - 4} textAnchor="middle">
            {tickText(time, ticks.step)}
          </text>
        </g>
      ))}
      <line
        className={cx('axis')}
        x1={ROOM / 2}
        x2={WIDTH - ROOM / 2}
        y1={LINE + 22}
        y2={LINE + 22}
      />
      <line className={cx('features-asked')} x1={x(at)} x2={x(at)} y1={6} y2={LINE + 22} />
      <text x={x(at) + 5} y={12} textAnchor={x(at) > WIDTH - 160 ? 'end' : 'start'}>
        {trans.__('as of %1', utc(found.at).slice(5))}
      </text>
      {rows.map((row, index) => {
        const time = millis(row.event_at);
        const lane = lanes.get(time) ?? 0;
        lanes.set(time, lane + 1);
        const free = labelled.every(other => Math.abs(other - x(time)) > APART);
        if (free) {
          labelled.push(x(time));
        }
        const { word, tone } = lookOf(row.verdict, trans);
        return (
          <g key={index} className={cx(`tone-${tone}`, isTaken(row) && 'is-taken')}>
            <title>{`${utc(row.event_at)}: ${word}. ${row.why}`}</title>
            <circle className={cx('features-row')} cx={x(time)} cy={LINE - 12 * lane} r={5} />
            {free && (
              <text x={x(time)} y={LINE + 16} textAnchor="middle">
                {word}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
