import '../../style/features.css';

import React from 'react';

import type {
  IColumnProfile,
  IFeature,
  IFeatureFigures,
  INumber,
  IUse,
  IView,
  IViewDetail,
  IViewStatistics
} from '../api/types';
import { ColumnShape, columnOf, figureOf } from '../catalog/figures';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import type { ITabState } from '../components/pagetabs';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useRevealed } from '../catalog/page/revealed';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { HISTORICAL } from './fresh';
import { User, useUses } from './uses';

/** Above this population stability index a feature has another distribution than in training. */
const LARGE = 0.2;

/**
 * Profile, freshness, drift and skew. What is revealed is asked for once: each time is recorded.
 */
export function useStatistics(
  view: Pick<IView, 'ref' | 'name'>,
  reveal = false
): IQuery<IViewStatistics> {
  const { client } = useWorkbench();
  return useQuery(
    `statistics:${view.ref}${reveal ? ' revealed' : ''}`,
    signal => client.features.statistics(view.name, { reveal: reveal || undefined }, signal),
    {
      ...(reveal ? { every: () => null } : { topics: ['view', 'dataset'] })
    }
  );
}

/** The features of a view: their names first, what is known of them once it was read. */
export function Features({
  detail,
  ...place
}: Pick<ITabState, 'goal' | 'current'> & { detail: IViewDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const label = workbench.trans.__('Features of %1', detail.view.name);
  const { data: known } = useStatistics(detail.view, useRevealed());
  const { data: uses } = useUses(detail.view);
  const columns = knownColumns(workbench, detail, known, uses?.items);
  return <FeatureTable label={label} features={detail.features} columns={columns} {...place} />;
}

interface IFeatureTableProps extends Partial<Pick<ITabState, 'goal' | 'current'>> {
  label: string;
  features: readonly IFeature[];
  /** Whether they are of several views, which are then named. */
  withView?: boolean;
  /** Instead of the usual ones. */
  columns?: readonly IColumnSpec<IFeature>[];
}

/** A table of features. */
export function FeatureTable({
  label,
  features,
  withView,
  columns: chosen,
  goal,
  current
}: IFeatureTableProps): React.ReactElement {
  const workbench = useWorkbench();
  const columns = chosen ?? columnsOf(workbench);
  return (
    <div className={cx('scroll')}>
      <Table
        label={label}
        columns={withView ? [viewColumn(workbench), ...columns] : columns}
        rows={features}
        row={feature => {
          const ref = formatRef('feature', [feature.view, feature.name]);
          return { id: ref, ref };
        }}
        onOpen={() => undefined}
        goal={goal}
        current={current}
      />
    </div>
  );
}

function viewColumn({ trans }: IWorkbench): IColumnSpec<IFeature> {
  return {
    key: 'view',
    head: trans.__('view'),
    cell: ({ view }) => <RefLink reference={formatRef('view', view)} />,
    sort: ({ view }) => view,
    width: 180
  };
}

/** Name, type and share of rows with a value. known: by feature, where that was computed. */
function firstColumns(
  { trans }: IWorkbench,
  known?: ReadonlyMap<string, IFeatureFigures>
): IColumnSpec<IFeature>[] {
  const fillOf = ({ name, fill }: IFeature): INumber | null =>
    fill ?? known?.get(name)?.fill ?? null;
  return [
    {
      key: 'name',
      head: trans.__('feature'),
      cell: ({ name, description }) => (
        <span className={cx('strong-name')} title={description || name}>
          {name}
        </span>
      ),
      sort: ({ name }) => name,
      width: 200
    },
    {
      key: 'type',
      head: trans.__('type'),
      cell: ({ type }) => <span className={cx('type')}>{type}</span>,
      width: 70
    },
    {
      key: 'fill',
      head: trans.__('filled'),
      width: 80,
      figure: feature => fillOf(feature) ?? undefined,
      write: value => format.percent(value, 1),
      sort: feature => fillOf(feature)?.value ?? null
    }
  ];
}

/** The columns of the page of a view. */
function knownColumns(
  workbench: IWorkbench,
  { view }: IViewDetail,
  known: IViewStatistics | undefined,
  uses: readonly IUse[] = []
): IColumnSpec<IFeature>[] {
  const { trans } = workbench;
  const figures = new Map(known?.features.map(item => [item.name, item]));
  const profileOf = (name: string): IColumnProfile | undefined => columnOf(known?.profile, name);
  return [
    ...firstColumns(workbench, figures),
    {
      key: 'fresh',
      head: trans.__('fresh'),
      width: 110,
      sort: ({ name }) => figures.get(name)?.newest ?? null,
      cell: ({ name }) =>
        view.kind === 'on_demand' ? format.DASH : <Fresh figures={figures.get(name)} />
    },
    {
      key: 'ttl',
      head: trans.__('ttl'),
      end: true,
      width: 60,
      cell: () => (view.ttl_seconds === null ? trans.__('none') : format.span(view.ttl_seconds))
    },
    {
      key: 'used',
      head: trans.__('used by'),
      width: 150,
      cell: ({ name }) => <Users of={uses.filter(({ features }) => features.includes(name))} />
    },
    {
      key: 'mean',
      head: trans.__('mean'),
      width: 90,
      figure: ({ name }) => figureOf(profileOf(name), 'mean'),
      sort: ({ name }) => Number(profileOf(name)?.mean ?? NaN)
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 110,
      cell: ({ name }) => {
        const shape = profileOf(name)?.shape;
        return shape && <ColumnShape name={name} shape={shape} width={92} height={18} />;
      }
    },
    {
      key: 'drift',
      head: <span title={known?.no_drift}>{trans.__('drift (PSI)')}</span>,
      width: 90,
      figure: ({ name }) => figures.get(name)?.drift,
      cell: ({ name }) => <Drift figures={figures.get(name)} />,
      sort: ({ name }) => numberIn(figures.get(name)?.drift)
    },
    {
      key: 'skew',
      head: trans.__('skew'),
      width: 80,
      figure: ({ name }) => figures.get(name)?.skew,
      write: value => format.percent(value, 1),
      sort: ({ name }) => numberIn(figures.get(name)?.skew)
    }
  ];
}

/** The first one that uses a feature, a champion if there is one, and how many more do. */
function Users({ of: [first, ...others] }: { of: readonly IUse[] }): React.ReactElement {
  const { trans } = useWorkbench();
  return first ? (
    <>
      <span className={cx('clip', 'features-user')}>
        <User use={first} />
      </span>
      {others.length > 0 && (
        <span className={cx('quiet')} title={others.map(({ name }) => name).join(', ')}>
          {' '}
          {trans.__('+%1', others.length)}
        </span>
      )}
    </>
  ) : (
    <>{format.DASH}</>
  );
}

const numberIn = (value: INumber | null | undefined): number | null =>
  typeof value?.value === 'number' ? value.value : null;

/** How old the newest value is, against the ttl; the day, where the data are of the past. */
function Fresh({ figures }: { figures?: IFeatureFigures }): React.ReactElement | null {
  if (!figures) {
    return null;
  }
  const age = figures.newest ? format.secondsSince(figures.newest) : null;
  return (
    <State
      state={figures.freshness}
      title={figures.newest ? format.time(figures.newest) : undefined}
    >
      {age === null || !figures.newest
        ? undefined
        : age > HISTORICAL
          ? format.day(figures.newest)
          : format.span(age)}
    </State>
  );
}

/** The drift of a feature; a large one stands out. */
export function Drift({ figures }: { figures?: IFeatureFigures }): React.ReactElement | null {
  if (!figures) {
    return null;
  }
  const { drift } = figures;
  const shown = <Num value={drift} format={value => format.number(value, 2)} />;
  return (numberIn(drift) ?? 0) > LARGE ? <State state="drifted">{shown}</State> : shown;
}

function columnsOf(workbench: IWorkbench): IColumnSpec<IFeature>[] {
  const { trans } = workbench;
  return [
    ...firstColumns(workbench),
    {
      key: 'text',
      head: trans.__('description'),
      wrap: true,
      cell: ({ description }) => description || format.DASH
    },
    {
      key: 'used',
      head: trans.__('used by'),
      cell: ({ used_by }) =>
        used_by.length
          ? used_by.slice(0, 3).map((ref, place) => (
              <React.Fragment key={ref}>
                {place > 0 && ', '}
                <RefLink reference={ref} />
              </React.Fragment>
            ))
          : format.DASH
    }
  ];
}
