import '../../style/deployments.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDeployment, ILatencySeries } from '../api/types';
import { Result } from '../components/card';
import { ChartMarks, MarksInWords, useMarks } from '../components/chartmarks';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import type { IMark } from '../components/marks';
import { Select } from '../components/select';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useQuery } from '../hooks/query';
import { apart, type Figure, linesOf, topOf } from './plot';
import { seriesOf } from './series';

/** Seconds, up to now. */
const WINDOWS = [900, 3_600, 21_600, 86_400];
const [WIDTH, HEIGHT, FOOT, LEFT, RIGHT] = [480, 160, 18, 34, 70];
const DASHES = ['', '5 3', '2 2', '8 3 2 3', '1 3', '10 4'];
const LABEL = 12;
/** Where a time is said; the last one leaves room for the names of the versions beside the chart. */
const TIMES = [
  [0, 'middle'],
  [0.5, 'middle'],
  [1, 'end']
] as const;

const isFigure = (text: string): text is Figure =>
  ['p50_ms', 'p95_ms', 'p99_ms', 'rate'].includes(text);

/** The figures by name, as they are chosen. */
const figures = (trans: TranslationBundle): { value: Figure; label: string }[] => [
  { value: 'p50_ms', label: trans.__('Latency p50, ms') },
  { value: 'p95_ms', label: trans.__('Latency p95, ms') },
  { value: 'p99_ms', label: trans.__('Latency p99, ms') },
  { value: 'rate', label: trans.__('Requests a second') }
];

/** Latency and rate of each version over time, as a chart or as a table. */
export function Latency({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [since, setSince] = useMemory('deployment:since', 3_600);
  const [figure, setFigure] = useMemory<Figure>('deployment:figure', 'p95_ms');
  const [asTable, setAsTable] = useMemory('deployment:as-table', false);
  const query = useQuery(
    `latency:${deployment.name}:${since}`,
    signal => client.deployments.latency(deployment.name, since, signal),
    { list: `latency:${deployment.name}`, every: () => 15_000 }
  );
  const marks = useMarks(deployment.name)?.marks ?? [];
  const title = figures(trans).find(({ value }) => value === figure)?.label ?? '';
  return (
    <section aria-label={trans.__('Latency and rate')}>
      <Heading title={trans.__('Over time')}>
        <Select
          bare
          label={trans.__('What is drawn')}
          value={figure}
          options={figures(trans)}
          onChange={next => isFigure(next) && setFigure(next)}
        />
        <Select
          bare
          label={trans.__('Time that is drawn')}
          value={String(since)}
          options={WINDOWS.map(seconds => ({
            value: String(seconds),
            label: trans.__('last %1', format.span(seconds))
          }))}
          onChange={seconds => setSince(Number(seconds))}
        />
        <button
          type="button"
          className={cx('link')}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? trans.__('as chart') : trans.__('as table')}
        </button>
      </Heading>
      <Result query={query} rows={5}>
        {series =>
          !series.versions.length ? (
            <p className={cx('more')}>{trans.__('No request was logged in this time.')}</p>
          ) : (
            <>
              {asTable ? (
                <Figures series={series} />
              ) : (
                <Chart
                  series={series}
                  figure={figure}
                  title={title}
                  deployment={deployment}
                  marks={marks}
                />
              )}
              <p className={cx('more')}>{noteOf(series, figure, trans)}</p>
              {!asTable && <MarksInWords marks={marks} {...spanOf(series)} />}
            </>
          )
        }
      </Result>
    </section>
  );
}

/** What the drawing stands for, in one sentence. */
function noteOf(series: ILatencySeries, figure: Figure, trans: TranslationBundle): string {
  const span = format.span(series.bucket_seconds);
  const words =
    figure === 'rate'
      ? trans.__('a point is %1; from the payload log', span)
      : trans.__('a point is %1; in the model’s process, from the payload log', span);
  return series.complete_since === series.since
    ? words
    : trans.__('%1; only since %2: the log is larger', words, format.time(series.complete_since));
}

interface IChartProps {
  series: ILatencySeries;
  figure: Figure;
  title: string;
  deployment: IDeployment;
  /** What happened meanwhile. */
  marks: readonly IMark[];
}

function Chart({ series, figure, title, deployment, marks }: IChartProps): React.ReactElement {
  const drawn = series.versions.map(version => ({
    version: version.version,
    color: seriesOf(
      deployment.versions.find(item => item.version === version.version) ?? { role: '' }
    ),
    lines: linesOf(series, version, figure)
  }));
  const top = topOf(drawn.flatMap(({ lines }) => lines.flat().map(({ y }) => y)));
  const across = (x: number): number => LEFT + x * (WIDTH - LEFT - RIGHT);
  const down = (y: number): number => 8 + (1 - y / top) * (HEIGHT - FOOT - 8);
  const ends = drawn.map(({ lines }) => lines[lines.length - 1]?.slice(-1)[0]);
  const labels = apart(
    ends.map(end => down(end?.y ?? 0) + 4),
    LABEL
  );
  return (
    <div className={cx('inset')}>
      <svg
        className={cx('chart', 'deployments-chart')}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={[
          title,
          ...drawn.map(({ version }, index) => `${version} ${format.number(ends[index]?.y, 3)}`)
        ].join(', ')}
      >
        {[0, 0.5, 1].map(share => (
          <React.Fragment key={share}>
            <line
              className={cx(share ? 'deployments-gridline' : 'axis')}
              x1={LEFT}
              x2={WIDTH - RIGHT}
              y1={down(share * top)}
              y2={down(share * top)}
            />
            <text x={LEFT - 6} y={down(share * top) + 4} textAnchor="end">
              {format.number(share * top, 3)}
            </text>
          </React.Fragment>
        ))}
        {TIMES.map(([share, textAnchor]) => (
          <text key={share} x={across(share)} y={HEIGHT - 3} textAnchor={textAnchor}>
            {format.time(momentAt(series, share))}
          </text>
        ))}
        <ChartMarks marks={marks} {...spanOf(series)} across={across} height={HEIGHT - FOOT} />
        {drawn.map(({ version, color, lines }, index) => (
          <g key={version} className={cx(`series-${color}`)}>
            {lines.map((line, at) => (
              <polyline
                key={at}
                className={cx('deployments-line', line.length < 2 && 'deployments-point')}
                strokeDasharray={DASHES[index % DASHES.length]}
                points={(line.length > 1 ? line : [...line, ...line])
                  .map(({ x, y }) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`)
                  .join(' ')}
              />
            ))}
            <text x={WIDTH - RIGHT + 6} y={labels[index]}>
              {`${version} ${format.number(ends[index]?.y, 3)}`}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

const spanOf = ({ since, until }: ILatencySeries): { start: number; end: number } => ({
  start: Date.parse(since),
  end: Date.parse(until)
});

const momentAt = ({ since, until }: ILatencySeries, share: number): string =>
  new Date(Date.parse(since) + share * (Date.parse(until) - Date.parse(since))).toISOString();

/** The whole time, a row for each version. */
function Figures({ series }: { series: ILatencySeries }): React.ReactElement {
  const { trans } = useWorkbench();
  const seconds = (Date.parse(series.until) - Date.parse(series.complete_since)) / 1000;
  const short = (value: unknown): string => format.number(value, 3);
  return (
    <Table
      label={trans.__('Latency and rate of the versions')}
      columns={[
        { key: 'version', head: trans.__('version'), cell: row => <b>{row.version}</b> },
        { key: 'requests', head: trans.__('requests'), figure: row => row.whole.requests },
        {
          key: 'rate',
          head: trans.__('a second'),
          figure: row => row.whole.requests / seconds,
          write: short
        },
        { key: 'errors', head: trans.__('errors'), figure: row => row.whole.errors },
        { key: 'p50', head: trans.__('p50 ms'), figure: row => row.whole.p50_ms, write: short },
        { key: 'p95', head: trans.__('p95 ms'), figure: row => row.whole.p95_ms, write: short },
        { key: 'p99', head: trans.__('p99 ms'), figure: row => row.whole.p99_ms, write: short }
      ]}
      rows={series.versions}
      row={row => ({ id: row.version })}
    />
  );
}
