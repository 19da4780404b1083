import React from 'react';

import type { IViewDetail } from '../api/types';
import type { ITabSpec } from '../components/pagetabs';
import { Features } from './features';
import { Online } from './online';

/** The tabs of the page of a feature view. */
export const TABS: readonly ITabSpec<IViewDetail>[] = [
  {
    name: 'features',
    label: trans => trans.__('Features'),
    part: 'feature',
    draw: (detail, state) => <Features detail={detail} {...state} />
  },
  {
    name: 'online',
    label: trans => trans.__('Online'),
    keys: { o: 'mlinfra:features-online' },
    draw: (detail, { asked }) => <Online detail={detail} going={asked === 'o'} />
  }
];
