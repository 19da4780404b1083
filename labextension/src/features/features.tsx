import React from 'react';

import type { IFeature, IViewDetail } from '../api/types';
import { cx } from '../components/cx';
import type { ITabState } from '../components/pagetabs';
import { RefLink } from '../components/reflink';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

/** The features of a view. */
export function Features({
  detail,
  ...place
}: Pick<ITabState, 'goal' | 'current'> & { detail: IViewDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const label = trans.__('Features of %1', detail.view.name);
  return <FeatureTable label={label} features={detail.features} {...place} />;
}

interface IFeatureTableProps extends Partial<Pick<ITabState, 'goal' | 'current'>> {
  label: string;
  features: readonly IFeature[];
  /** Whether they are of several views, which are then named. */
  withView?: boolean;
}

/** A table of features. */
export function FeatureTable({
  label,
  features,
  withView,
  goal,
  current
}: IFeatureTableProps): React.ReactElement {
  const workbench = useWorkbench();
  const columns = columnsOf(workbench);
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

function columnsOf({ trans }: IWorkbench): IColumnSpec<IFeature>[] {
  return [
    {
      key: 'name',
      head: trans.__('feature'),
      cell: ({ name }) => <span className={cx('strong-name')}>{name}</span>,
      sort: ({ name }) => name,
      width: 220
    },
    {
      key: 'type',
      head: trans.__('type'),
      cell: ({ type }) => <span className={cx('type')}>{type}</span>,
      width: 90
    },
    {
      key: 'fill',
      head: trans.__('filled'),
      width: 90,
      figure: ({ fill }) => fill ?? undefined,
      write: value => format.percent(value, 1),
      sort: ({ fill }) => fill?.value ?? null
    },
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
          ? used_by.slice(0, 3).map(ref => (
              <React.Fragment key={ref}>
                <RefLink reference={ref} />{' '}
              </React.Fragment>
            ))
          : format.DASH
    }
  ];
}
