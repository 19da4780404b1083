import React from 'react';

import type { IDatasetDetail } from '../api/types';
import type { ITabSpec } from '../components/pagetabs';
import { Access } from './access';
import { CareTab } from './care';
import { Columns } from './columns';
import { Preview } from './grid/preview';
import { isInPlace } from './inplace';
import { Lineage } from './lineage';
import { Quality } from './quality';
import { Snapshots } from './snapshots';
import { statisticsOf } from './statistics';

/** A table of a domain, or one that is read in place, is not written here. */
const isOwn = ({ dataset }: IDatasetDetail): boolean => !dataset.domain;

/** What people say of a table and demand of it is kept with its registration, too. */
const hasRules = (detail: IDatasetDetail): boolean => isOwn(detail) || isInPlace(detail.dataset);

/** Of other tables, Delta tables have versions. */
const hasSnapshots = (detail: IDatasetDetail): boolean => isOwn(detail) || detail.snapshots > 0;

/** The tabs of the page of a dataset. */
export const TABS: readonly ITabSpec<IDatasetDetail>[] = [
  {
    name: 'preview',
    label: trans => trans.__('Preview'),
    keys: { g: 'mlinfra:catalog-go-to-row', s: 'mlinfra:catalog-filter' },
    draw: (detail, { asked }) => (
      <Preview
        key={detail.dataset.snapshot ?? detail.dataset.updated_at}
        detail={detail}
        going={asked === 'g'}
        filtering={asked === 's'}
      />
    )
  },
  {
    name: 'columns',
    label: trans => trans.__('Columns'),
    keys: { f: 'mlinfra:catalog-find-column', e: 'mlinfra:catalog-profile' },
    part: 'column',
    draw: (detail, state) => <Columns detail={detail} {...state} />
  },
  {
    name: 'profile',
    label: trans => trans.__('Profile'),
    keys: { f: 'mlinfra:catalog-find-column', e: 'mlinfra:catalog-profile' },
    draw: (detail, state) => <Columns detail={detail} {...state} shown={statisticsOf} />
  },
  {
    name: 'snapshots',
    label: trans => trans.__('Snapshots'),
    when: hasSnapshots,
    keys: { d: 'mlinfra:catalog-compare' },
    draw: ({ dataset }, { asked }) => <Snapshots dataset={dataset} comparing={asked === 'd'} />
  },
  {
    name: 'lineage',
    label: trans => trans.__('Lineage'),
    when: isOwn,
    draw: ({ dataset, schema }) => <Lineage dataset={dataset} columns={schema} />
  },
  {
    name: 'quality',
    label: trans => trans.__('Quality'),
    when: hasRules,
    draw: ({ dataset }) => <Quality dataset={dataset} />
  },
  {
    name: 'access',
    label: trans => trans.__('Access'),
    when: hasRules,
    draw: ({ dataset, schema }) => <Access dataset={dataset} columns={schema} />
  },
  {
    name: 'care',
    label: trans => trans.__('Care'),
    when: isOwn,
    draw: ({ dataset }) => <CareTab dataset={dataset} />
  }
];
