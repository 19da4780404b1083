import React from 'react';

import type { IViewDetail } from '../api/types';
import type { ITabSpec } from '../components/pagetabs';
import { AsOf } from './asof';
import { Codes } from './codes';
import { Features } from './features';
import { ViewLineage } from './lineage';
import { Online } from './online';
import { Statistics } from './statistics';
import { isStored } from './stored';
import { UsedBy } from './uses';
import { Versions } from './versions';

/** The tabs of the page of a feature view. */
export const TABS: readonly ITabSpec<IViewDetail>[] = [
  {
    name: 'features',
    label: trans => trans.__('Features'),
    part: 'feature',
    draw: (detail, state) => <Features detail={detail} {...state} />
  },
  {
    name: 'asof',
    label: trans => trans.__('As of'),
    when: isStored,
    keys: { a: 'mlinfra:features-asof' },
    draw: (detail, { asked }) => <AsOf detail={detail} going={asked === 'a'} />
  },
  {
    name: 'online',
    label: trans => trans.__('Online'),
    keys: { o: 'mlinfra:features-online' },
    draw: (detail, { asked }) => <Online detail={detail} going={asked === 'o'} />
  },
  {
    name: 'statistics',
    label: trans => trans.__('Statistics'),
    when: detail => isStored(detail) || detail.view.kind === 'on_demand',
    draw: detail => <Statistics detail={detail} />
  },
  {
    name: 'lineage',
    label: trans => trans.__('Lineage'),
    draw: ({ view }) => <ViewLineage view={view} />
  },
  {
    name: 'uses',
    label: trans => trans.__('Used by'),
    draw: ({ view }) => <UsedBy view={view} />
  },
  {
    name: 'versions',
    label: trans => trans.__('Versions'),
    when: ({ versions }) => versions.length > 1,
    draw: detail => <Versions key={detail.view.name} detail={detail} />
  },
  {
    name: 'code',
    label: trans => trans.__('Code'),
    draw: ({ code }) => <Codes code={code} />
  }
];
