import '../../style/experiments.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';

import type { ICurve } from '../api/types';
import { cx } from '../components/cx';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { watchTheme } from '../hooks/theme';

export interface ISeries {
  curve: ICurve;
  name: string;
  /** Colour, 1 to 6. */
  series: number;
}

const DASHES: readonly (number[] | undefined)[] = [
  undefined,
  [5, 3],
  [2, 2],
  [8, 3, 2, 3],
  [1, 3],
  [10, 4]
];
const HEIGHT = 230;

type Column = (number | null)[];

/**
 * All curves on the steps of any of them: low, mean and high of each, in the order of uPlot's
 * series.
 */
export function aligned(curves: readonly ICurve[]): [number[], ...Column[]] {
  const steps = [...new Set(curves.flatMap(curve => curve.step))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, index) => [step, index]));
  const column = (curve: ICurve, values: ICurve['mean']): Column => {
    const filled: Column = new Array<number | null>(steps.length).fill(null);
    curve.step.forEach((step, index) => {
      const value = format.real(values[index]);
      filled[place.get(step) ?? 0] = Number.isFinite(value) ? value : null;
    });
    return filled;
  };
  return [
    steps,
    ...curves.flatMap(curve => [
      column(curve, curve.low),
      column(curve, curve.mean),
      column(curve, curve.high)
    ])
  ];
}

function optionsOf(node: HTMLElement, series: readonly ISeries[], xLabel: string): uPlot.Options {
  const css = getComputedStyle(node);
  const ink = (name: string): string => css.getPropertyValue(name).trim();
  const font = `11px ${ink('--jp-ui-font-family')}`;
  const axis: uPlot.Axis = {
    font,
    stroke: ink('--ml-text-2'),
    grid: { stroke: ink('--ml-grid'), width: 1 },
    ticks: { show: false }
  };
  const faint = (color: string): string => `color-mix(in srgb, ${color} 16%, transparent)`;
  return {
    width: node.clientWidth || 600,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 5 } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, label: xLabel, labelFont: font, labelSize: 16, size: 28 },
      { ...axis, size: 52 }
    ],
    series: [
      {},
      ...series.flatMap(({ series: number, name }, index) => {
        const color = ink(`--ml-c${number}`);
        const edge = { stroke: 'transparent', width: 0, points: { show: false }, spanGaps: true };
        return [
          edge,
          {
            label: name,
            stroke: color,
            width: 1.8,
            dash: DASHES[index % DASHES.length],
            points: { show: false },
            spanGaps: true
          },
          edge
        ];
      })
    ],
    bands: series.map(({ series: number }, index) => ({
      series: [3 * index + 3, 3 * index + 1],
      fill: faint(ink(`--ml-c${number}`))
    }))
  };
}

export interface ICurvesProps {
  metric: string;
  series: readonly ISeries[];
}

/**
 * Curves of one metric: the mean of each bucket over the band of its least and greatest value, so
 * no spike is lost.
 */
export default function Curves({ metric, series }: ICurvesProps): React.ReactElement {
  const { trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const data = useMemo(() => aligned(series.map(item => item.curve)), [series]);

  useEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    let plot: uPlot | null = null;
    const paint = (): void => {
      plot?.destroy();
      plot = new uPlot(optionsOf(node, series, trans.__('step')), data, node);
    };
    paint();
    const resize = new ResizeObserver(
      () => node.clientWidth && plot?.setSize({ width: node.clientWidth, height: HEIGHT })
    );
    resize.observe(node);
    const leave = watchTheme(paint);
    return () => {
      resize.disconnect();
      leave();
      plot?.destroy();
    };
  }, [data, series, trans]);

  return (
    <figure className={cx('experiments-curves')}>
      <figcaption>
        <b>{metric}</b>
        {series.map(({ name, series: number, curve }) => (
          <span key={curve.run} className={cx(`series-${number}`)}>
            <span className={cx('swatch')} /> {name}
          </span>
        ))}
        <span className={cx('space')} />
        <span className={cx('quiet')}>{pointsOf(series, trans)}</span>
      </figcaption>
      <div ref={host} role="img" aria-label={describe(metric, series)} />
    </figure>
  );
}

/** How many points the curves have in all, and how many of them are drawn. */
export function pointsOf(series: readonly ISeries[], trans: TranslationBundle): string {
  const sum = (counts: readonly number[]): number =>
    counts.reduce((whole, count) => whole + count, 0);
  const logged = sum(series.map(({ curve }) => curve.total));
  const drawn = sum(series.map(({ curve }) => curve.step.length));
  const all = trans._n('%1 point', '%1 points', logged, format.number(logged));
  return drawn < logged
    ? trans.__(
        '%1 in %2 buckets, spikes kept in the band from least to greatest',
        all,
        format.number(drawn)
      )
    : trans.__('%1, all drawn', all);
}

/** What the chart shows, in words. */
function describe(metric: string, series: readonly ISeries[]): string {
  const ends = series.map(
    ({ name, curve }) => `${name} ${curve.mean[curve.mean.length - 1] ?? ''}`
  );
  return `${metric}: ${ends.join(', ')}`;
}
