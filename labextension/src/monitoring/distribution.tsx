import '../../style/monitoring.css';

import React from 'react';

import type { IFeatureDrift } from '../api/types';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';

const WIDTH = 420;
const HEIGHT = 150;
const FOOT = 18;
const LABELS = 6;
/** Characters of a label. */
const MOST = 10;

/** Whether its bins hold one value each, and the last one all others. */
function isByValue({ kind, edges, reference }: IFeatureDrift): boolean {
  return kind === 'category' || kind === 'discrete' || edges.length >= reference.length;
}

/** The names of the bins: values, or the ranges between the edges. others: of all other values. */
export function binNames(drift: IFeatureDrift, others: string): string[] {
  const { edges, reference } = drift;
  const words = edges.map(edge => (typeof edge === 'number' ? format.number(edge, 3) : edge));
  if (isByValue(drift)) {
    return reference.map((_, bin) => words[bin] ?? others);
  }
  return reference.map((_, bin) => {
    if (bin === 0) {
      return `≤ ${words[0] ?? ''}`;
    }
    return bin >= words.length
      ? `> ${words[words.length - 1] ?? ''}`
      : `${words[bin - 1]} – ${words[bin]}`;
  });
}

/**
 * What stands below the axis, in bins from its left end: edges at the edges, values below their
 * bars.
 */
export function labelsOf(drift: IFeatureDrift): { text: string; at: number }[] {
  const { edges, reference } = drift;
  const inside = !isByValue(drift);
  const every = Math.max(1, Math.ceil(edges.length / LABELS));
  return edges
    .slice(0, reference.length)
    .map((edge, index) => ({
      text: typeof edge === 'number' ? format.number(edge, 3) : edge,
      at: index + (inside ? 1 : 0.5)
    }))
    .filter((_, index) => index % every === 0);
}

interface IDistributionProps {
  drift: IFeatureDrift;
  title?: string;
  /** When the rows came. */
  span?: string;
}

/** Reference and window over the same bins, as a chart or as a table. */
export function Distribution({ drift, title, span }: IDistributionProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [asTable, setAsTable] = useMemory('monitor:as-table', false);
  const name = title ?? drift.feature;
  return (
    <section aria-label={trans.__('Distribution of %1', name)}>
      <Heading
        title={name}
        note={
          <>
            {span && `${span} · `}PSI{' '}
            <Num value={drift.psi} format={value => format.number(value, 3)} /> · JS{' '}
            <Num value={drift.js} format={value => format.number(value, 3)} />
            {drift.psi.n !== null && (
              <>
                {' · '}
                <Num value={drift.psi.n} format={format.compact} unit={trans.__('rows')} />
              </>
            )}
          </>
        }
      >
        <button
          type="button"
          className={cx('link')}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? trans.__('as chart') : trans.__('as table')}
        </button>
      </Heading>
      {asTable ? <Bins drift={drift} /> : <Overlay drift={drift} name={name} />}
      <p className={cx('more', 'legend')}>
        <span className={cx('series-0')}>
          <span className={cx('swatch')} /> {trans.__('reference')}
        </span>
        <span className={cx('series-2')}>
          <span className={cx('swatch')} /> {trans.__('window')}
        </span>
        <span>{trans.__('share of rows in each of %1 bins', drift.reference.length)}</span>
      </p>
    </section>
  );
}

function Overlay({ drift, name }: { drift: IFeatureDrift; name: string }): React.ReactElement {
  const { trans } = useWorkbench();
  const { reference, window } = drift;
  const names = binNames(drift, trans.__('all others'));
  const bins = reference.length;
  const most = Math.max(1e-9, ...reference, ...window);
  const step = WIDTH / Math.max(1, bins);
  const tall = (share: number): number => (share / most) * (HEIGHT - FOOT - 8);
  const bars = (values: readonly number[], offset: number, series: number): React.ReactNode =>
    values.map((share, bin) => (
      <rect
        key={bin}
        className={cx('bar', `series-${series}`)}
        x={bin * step + offset * step}
        y={HEIGHT - FOOT - tall(share)}
        width={step * 0.38}
        height={tall(share)}
      >
        <title>{`${names[bin] ?? ''}: ${format.percent(share, 1)}`}</title>
      </rect>
    ));
  return (
    <div className={cx('inset')}>
      <svg
        className={cx('chart', 'monitoring-overlay')}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={name}
      >
        <line
          className={cx('monitoring-gridline')}
          x1={0}
          x2={WIDTH}
          y1={(HEIGHT - FOOT) / 2}
          y2={(HEIGHT - FOOT) / 2}
        />
        {bars(reference, 0.1, 0)}
        {bars(window, 0.5, 2)}
        <line className={cx('axis')} x1={0} x2={WIDTH} y1={HEIGHT - FOOT} y2={HEIGHT - FOOT} />
        {labelsOf(drift).map(({ text, at }) => (
          <text key={at} x={at * step} y={HEIGHT - 4} textAnchor="middle">
            {text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text}
          </text>
        ))}
      </svg>
    </div>
  );
}

function Bins({ drift }: { drift: IFeatureDrift }): React.ReactElement {
  const { trans } = useWorkbench();
  const names = binNames(drift, trans.__('all others'));
  const share = (value: unknown): string => format.percent(value, 1);
  return (
    <Table
      label={trans.__('Bins of %1', drift.feature)}
      columns={[
        { key: 'bin', head: trans.__('bin'), cell: bin => names[bin] ?? '' },
        {
          key: 'reference',
          head: trans.__('reference'),
          figure: bin => drift.reference[bin] ?? null,
          write: share
        },
        {
          key: 'window',
          head: trans.__('window'),
          figure: bin => drift.window[bin] ?? null,
          write: share
        }
      ]}
      rows={drift.reference.map((_, bin) => bin)}
      row={bin => ({ id: String(bin) })}
    />
  );
}
