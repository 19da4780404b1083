import '../../style/monitoring.css';

import React from 'react';

import type { IMonitorFigures, IMonitorStatus } from '../api/types';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

const short = (value: unknown): string => format.number(value, 3);
const signed = (value: number): string => `${value > 0 ? '+' : ''}${format.number(value, 2)}`;
const percent = (value: unknown): string => format.percent(value, 1);

/** The metric that stands for the others: the area under the curve, else the first. */
export function mainMetric(
  ...several: readonly (Readonly<Record<string, number | string | null>> | undefined)[]
): string | null {
  const names = several.flatMap(metrics => Object.keys(metrics ?? {}));
  return (
    names.find(name => name === 'roc_auc') ?? names.find(name => name === 'mae') ?? names[0] ?? null
  );
}

/** The figures at the head of the page. */
export function Tiles({
  status,
  figures
}: {
  status: IMonitorStatus;
  figures?: IMonitorFigures | undefined;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { monitor } = status;
  const unsure = monitor.state === 'no_data';
  const drifted = unsure ? 0 : status.drift.filter(item => item.drifted).length;
  return (
    <div className={cx('monitoring-tiles', unsure && 'is-stale')}>
      <Requests status={status} />
      <Tile
        title={trans.__('drift, worst of %1', status.features)}
        value={monitor.worst_psi ? <Num value={monitor.worst_psi} format={short} /> : format.DASH}
        note={
          drifted
            ? trans._n('%2 · %1 drifted', '%2 · %1 drifted', drifted, monitor.worst)
            : monitor.worst
        }
        bad={drifted > 0}
      />
      <Performance figures={figures} />
      <Kpi figures={figures} />
      <Processes figures={figures} />
      <Result status={status} />
    </div>
  );
}

/** What the serving processes of the version use together. */
function Processes({ figures }: { figures?: IMonitorFigures | undefined }): React.ReactElement {
  const { trans } = useWorkbench();
  const { memory, cpu, gpu, in_flight: inFlight, retries } = figures ?? {};
  const used = [
    cpu && trans.__('%1 cores', format.number(cpu.cores, 2)),
    gpu?.mib != null && trans.__('%1 MiB of GPUs', format.number(gpu.mib, 4)),
    gpu?.load != null && trans.__('its GPUs at %1', format.percent(gpu.load)),
    inFlight != null && trans.__('at most %1 in flight', inFlight),
    retries != null && trans._n('%1 retry', '%1 retries', retries)
  ].filter(Boolean);
  return (
    <Tile
      title={trans.__('memory')}
      value={memory ? trans.__('%1 MiB', format.number(memory.mib, 4)) : format.DASH}
      note={memory ? used.join(' · ') : <Reason text={figures?.reasons.memory} />}
    />
  );
}

function Requests({ status }: { status: IMonitorStatus }): React.ReactElement {
  const { trans } = useWorkbench();
  const { monitor, p95_ms: p95, error_fraction: failed, refused_fraction: refused } = status;
  const milliseconds = (value: unknown): string => trans.__('%1 ms', short(value));
  return (
    <Tile
      title={trans.__('requests')}
      value={
        <>
          <Num value={monitor.requests} format={format.compact} />{' '}
          <span className={cx('quiet')}>
            <Num value={monitor.rows} format={format.compact} unit={trans.__('rows')} />
          </span>
        </>
      }
      note={
        monitor.last_request_at ? (
          <>
            p95 {p95 ? <Num value={p95} format={milliseconds} /> : format.DASH} ·{' '}
            {trans.__('errors')}{' '}
            {failed ? <Num value={failed} format={value => format.percent(value)} /> : format.DASH}
            {refused && (
              <>
                {' '}
                · {trans.__('refused')}{' '}
                <Num value={refused} format={value => format.percent(value)} />
              </>
            )}
          </>
        ) : (
          trans.__('none in this window')
        )
      }
    />
  );
}

/** Estimated and real performance; what an estimate cannot see is said beside its number. */
function Performance({ figures }: { figures: IMonitorFigures | undefined }): React.ReactElement {
  const { trans } = useWorkbench();
  const {
    estimated,
    estimated_under_shift: shifted,
    real,
    label_coverage: coverage
  } = figures?.performance ?? {};
  const name = mainMetric(real?.metrics, estimated?.metrics);
  const titled = (kind: string): string =>
    trans.__('%1, %2', name ?? trans.__('performance'), kind);
  const guess = shifted ?? estimated;
  const other = shifted && estimated;
  const reasons = figures?.reasons ?? {};
  return (
    <>
      <Tile
        title={titled(trans.__('estimated'))}
        value={
          guess && name ? (
            <Num value={guess.metrics[name] ?? null} basis="est" format={short} />
          ) : (
            format.DASH
          )
        }
        note={
          guess && name ? (
            <span title={guess.caveat} data-caveat="concept drift">
              {trans.__('%1, blind to concept drift', guess.method)}
              {other && ` · ${other.method} ${short(other.metrics[name] ?? null)}`}
            </span>
          ) : (
            <Reason text={reasons['performance.estimated']} />
          )
        }
      />
      <Tile
        title={titled(trans.__('real'))}
        value={
          real && name ? <Num value={real.metrics[name] ?? null} format={short} /> : format.DASH
        }
        note={
          typeof coverage === 'number' && real ? (
            <>
              <Num value={coverage} format={percent} /> {trans.__('of the labels are in')}
              {name &&
                Object.entries(real.outputs).map(([output, one]) => (
                  <span key={output} title={trans.__('%1 labelled rows', format.number(one.rows))}>
                    {` · ${output} ${short(one.metrics[name] ?? null)}`}
                  </span>
                ))}
            </>
          ) : (
            <Reason text={reasons['performance.real']} />
          )
        }
        bad={Boolean(real?.changes.length)}
      />
    </>
  );
}

function Kpi({ figures }: { figures: IMonitorFigures | undefined }): React.ReactElement {
  const { trans } = useWorkbench();
  const { kpi = null, kpi_before: before = null } = figures ?? {};
  return (
    <Tile
      title={trans.__('KPI, worth of a row')}
      value={
        kpi ? (
          <>
            <Num value={kpi.value} format={short} />
            {before !== null && (
              <span className={cx('quiet')} title={trans.__('against the window before')}>
                {` (${signed(kpi.value - before)})`}
              </span>
            )}
          </>
        ) : (
          format.DASH
        )
      }
      note={
        kpi ? (
          <span
            title={trans.__(
              '%1 of %2 rows, %3 to %4',
              short(kpi.total),
              format.number(kpi.rows),
              short(kpi.low * kpi.rows),
              short(kpi.high * kpi.rows)
            )}
          >
            {trans.__(
              '%1 in [%2, %3]',
              format.percent(kpi.confidence, 0),
              short(kpi.low),
              short(kpi.high)
            )}
          </span>
        ) : (
          <Reason text={figures?.reasons.kpi} />
        )
      }
    />
  );
}

function Result({ status }: { status: IMonitorStatus }): React.ReactElement {
  const { trans } = useWorkbench();
  const { monitor, next_evaluation_at: next } = status;
  const silent =
    monitor.state === 'no_data' && monitor.last_request_at
      ? trans.__('silent since %1', format.time(monitor.last_request_at))
      : null;
  return (
    <Tile
      title={trans.__('result')}
      value={
        monitor.evaluated_at
          ? trans.__('%1 ago', format.span(format.secondsSince(monitor.evaluated_at)))
          : format.DASH
      }
      note={[
        silent ?? format.time(monitor.evaluated_at),
        next && trans.__('next %1', format.time(next))
      ]
        .filter(Boolean)
        .join(' · ')}
    />
  );
}

/** Why there is no number; the whole of it on hover. */
function Reason({ text }: { text: string | undefined }): React.ReactElement {
  return <span title={text}>{text ?? ''}</span>;
}

function Tile({
  title,
  value,
  note,
  bad
}: {
  title: string;
  value: React.ReactNode;
  note: React.ReactNode;
  bad?: boolean;
}): React.ReactElement {
  return (
    <div className={cx('monitoring-tile')}>
      <span className={cx('quiet')}>{title}</span>
      <span className={cx('monitoring-figure')}>
        {bad && <State state="firing" bare />} {value}
      </span>
      <span className={cx('quiet', 'monitoring-tile-note')}>{note}</span>
    </div>
  );
}
