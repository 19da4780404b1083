import '../../style/monitoring.css';

import React, { useRef, useState } from 'react';

import type { ICodeCall } from '../api/client';
import type { IPart } from '../api/monitoring';
import type { IHeatMap, IHeatRow, IMonitorFigures } from '../api/types';
import { dragFrom } from '../code/drag';
import { pythonOfOwn } from '../code/snippets';
import { failed } from '../components/confirm';
import { cx } from '../components/cx';
import { errorText } from '../components/explain';
import { Num } from '../components/number';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { heatOf, type IPlace, isLabelled, MARKED, moved, STEPS } from './heat';

/** The call that shows the distribution of a cell. */
export const distributionCall = (
  name: string,
  cell: ICell,
  { version, segment }: IPart
): ICodeCall => ({
  call: 'monitors-distribution',
  values: { name, ...cell, ...(version && { version }), ...(segment && { segment }) }
});

/** A feature in a span of time. */
export interface ICell {
  feature: string;
  start: string;
  end: string;
}

interface IHeatGridProps {
  monitor: string;
  part: IPart;
  heat: IHeatMap;
  /** Of the whole window, for the columns beside the map. */
  figures: IMonitorFigures | undefined;
  limit: number;
  chosen: ICell | null;
  onChoose: (cell: ICell) => void;
}

/** When a column of the map ends. */
const endOf = (heat: IHeatMap, column: number): string =>
  new Date(Date.parse(heat.starts[column] ?? '') + heat.step_seconds * 1000)
    .toISOString()
    .replace('.000Z', 'Z');

const cellOf = (heat: IHeatMap, feature: string, column: number): ICell => ({
  feature,
  start: heat.starts[column] ?? '',
  end: endOf(heat, column)
});

/** A cell that is dragged brings the call that shows its distribution. */
function useCellDrag({
  monitor,
  part
}: Pick<IHeatGridProps, 'monitor' | 'part'>): (event: React.MouseEvent, cell: ICell) => void {
  const workbench = useWorkbench();
  const { trans } = workbench;
  return (event, cell) =>
    dragFrom(
      event,
      () => [],
      trans.__('%1, %2', cell.feature, format.time(cell.start)),
      async () => pythonOfOwn(workbench, distributionCall(monitor, cell, part)),
      error => failed(errorText(error, trans), trans)
    );
}

/** PSI by feature and time: arrows move over the cells, Enter shows the distribution. */
export function HeatGrid(props: IHeatGridProps): React.ReactElement {
  const { heat, chosen, onChoose } = props;
  const { trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const columns = heat.starts.length;
  const drag = useCellDrag(props);
  const [at, setAt] = useState<IPlace>({ row: 0, column: columns - 1 });
  const here = {
    row: Math.min(at.row, heat.rows.length - 1),
    column: Math.min(at.column, columns - 1)
  };
  const go = (place: IPlace): void => {
    setAt(place);
    host.current?.querySelector<HTMLElement>(`[data-cell="${place.row}:${place.column}"]`)?.focus();
  };
  const choose = ({ row, column }: IPlace): void => {
    const { feature } = heat.rows[row] ?? {};
    const start = heat.starts[column];
    if (feature !== undefined && start !== undefined) {
      setAt({ row, column });
      onChoose(cellOf(heat, feature, column));
    }
  };
  const press = (event: React.KeyboardEvent): void => {
    const next = moved(event.key, here, heat.rows.length, columns);
    if (next) {
      event.preventDefault();
      go(next);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      choose(here);
    }
  };
  return (
    <div
      ref={host}
      role="grid"
      aria-label={trans.__('Feature by time')}
      aria-rowcount={heat.total + 1}
      className={cx('monitoring-map')}
      style={{ '--ml-columns': columns } as React.CSSProperties}
      onKeyDown={press}
    >
      <Heads heat={heat} />
      {heat.rows.map((row, index) => (
        <Row
          key={row.feature}
          {...props}
          row={row}
          index={index}
          at={here}
          chosen={chosen?.feature === row.feature ? chosen : null}
          onPlace={choose}
          drag={drag}
        />
      ))}
    </div>
  );
}

function Heads({ heat }: { heat: IHeatMap }): React.ReactElement {
  const { trans } = useWorkbench();
  const days = heat.step_seconds * heat.starts.length > 2 * 86_400;
  const label = (start: string): string =>
    days ? format.day(start).slice(5) : String(new Date(start).getHours()).padStart(2, '0');
  return (
    <div role="row" className={cx('monitoring-map-row')}>
      <span role="columnheader">{trans.__('feature')}</span>
      {heat.starts.map((start, column) => (
        <span key={start} role="columnheader" aria-label={format.time(start)}>
          {isLabelled(column, heat.starts.length) && <span>{label(start)}</span>}
        </span>
      ))}
      <span role="columnheader" className={cx('is-end')}>
        {trans.__('PSI now')}
      </span>
      <span role="columnheader" className={cx('is-end')}>
        {trans.__('weight')}
      </span>
      <span role="columnheader">{trans.__('suspect')}</span>
    </div>
  );
}

interface IHeatRowProps extends IHeatGridProps {
  row: IHeatRow;
  index: number;
  at: IPlace;
  onPlace: (place: IPlace) => void;
  drag: ReturnType<typeof useCellDrag>;
}

function Row({
  heat,
  figures,
  limit,
  row,
  index,
  at,
  chosen,
  onPlace,
  drag
}: IHeatRowProps): React.ReactElement {
  const { trans } = useWorkbench();
  const psi = figures?.drift[row.feature]?.psi ?? null;
  const over = psi !== null && psi >= limit;
  const rank = suspectOf(row.feature, figures, limit);
  return (
    <div role="row" className={cx('monitoring-map-row')} data-feature={row.feature}>
      <span
        role="rowheader"
        className={cx('monitoring-map-name', over && 'is-strong')}
        title={row.feature}
      >
        {row.feature}
      </span>
      {row.values.map((value, column) => {
        const start = heat.starts[column] ?? '';
        const heatStep = heatOf(value);
        const words =
          value === null
            ? row.rows[column]
              ? trans.__('%1, %2: too few rows', row.feature, format.time(start))
              : trans.__('%1, %2: no data', row.feature, format.time(start))
            : trans.__('%1, %2: PSI %3', row.feature, format.time(start), format.number(value, 3));
        return (
          <span
            key={start}
            role="gridcell"
            data-cell={`${index}:${column}`}
            data-heat={value === null ? 'none' : heatStep}
            className={cx(
              'monitoring-cell',
              value === null ? 'monitoring-heat-none' : `monitoring-heat-${heatStep}`
            )}
            tabIndex={at.row === index && at.column === column ? 0 : -1}
            aria-label={words}
            aria-selected={chosen?.start === start}
            title={`${words}\n${trans._n('%1 row', '%1 rows', row.rows[column] ?? 0)}`}
            onClick={() => onPlace({ row: index, column })}
            onMouseDown={event => drag(event, cellOf(heat, row.feature, column))}
          >
            {heatStep >= MARKED ? '!' : ''}
          </span>
        );
      })}
      <span role="gridcell" className={cx('is-end')}>
        {over && <State state="firing" bare />}{' '}
        <Num value={psi} format={value => format.number(value, 2)} />
      </span>
      <span role="gridcell" className={cx('is-end')}>
        {row.importance === null ? (
          <span title={trans.__('It is not known what the model uses')}>{format.DASH}</span>
        ) : (
          <Num value={row.importance} format={value => format.percent(value, 0)} />
        )}
      </span>
      <span role="gridcell" className={cx('quiet')}>
        {rank !== null && trans.__('no. %1', rank)}
      </span>
    </div>
  );
}

/** The place of a feature among those that drifted, by drift times weight; null if it did not. */
export function suspectOf(
  feature: string,
  figures: IMonitorFigures | undefined,
  limit: number
): number | null {
  const drifted = (figures?.suspects ?? []).filter(
    item => (figures?.drift[item.feature]?.psi ?? 0) >= limit
  );
  const place = drifted.findIndex(item => item.feature === feature);
  return place < 0 ? null : place + 1;
}

/** What the steps of the scale mean. */
export function Legend(): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <span className={cx('monitoring-legend')} role="note" aria-label={trans.__('Scale of the PSI')}>
      <span>
        <i className={cx('monitoring-cell', 'monitoring-heat-none')} /> {trans.__('no data')}
      </span>
      {STEPS.map((words, step) => (
        <span key={words}>
          <i className={cx('monitoring-cell', `monitoring-heat-${step}`)} /> {words}
          {step >= MARKED && ' !'}
        </span>
      ))}
    </span>
  );
}
