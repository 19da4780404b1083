import { screen } from '@testing-library/react';
import React from 'react';

import type { IDeployment, IModelCard, IModelDetail, IVersion } from '../../api/types';
import { cells, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { ModelCard, split } from '../card';
import { placesOf } from '../deployed';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const VERSION: IVersion = {
  ref: 'version:flights/2',
  model: 'flights',
  version: 2,
  aliases: ['champion'],
  run: 'run20000000000',
  metrics: { auc: 0.75 },
  created_at: '2026-01-01T00:00:00Z',
  signature: true,
  notebook: 'train.ipynb',
  datasets: ['dataset:flights.departures@4711'],
  unservable: '',
  fault: '',
  size_bytes: null,
  run_name: 'eager-owl'
};

const DETAIL: IModelDetail = {
  model: {
    ref: 'model:flights',
    name: 'flights',
    versions: 2,
    aliases: { champion: 2 },
    updated_at: null,
    description: 'Delays of departures'
  },
  versions: [{ ...VERSION, version: 3, ref: 'version:flights/3', aliases: [] }, VERSION],
  code: {}
};

const CARD: IModelCard = {
  version: VERSION,
  description: '',
  owner: 'ana',
  tags: { team: 'ops' },
  flavors: ['xgboost'],
  python: '3.12.1',
  inputs: [{ name: 'dep_delay', type: 'double', required: true }],
  outputs: [{ name: '', type: 'float32 [-1]', required: true }],
  requirements: ['xgboost==3.0'],
  params: { depth: '6' },
  left_out: 0,
  size_bytes: 1_500_000,
  run: null,
  unread: ''
};

const deployment = {
  name: 'flights-delay',
  versions: [
    { model: 'flights', version: 'v2', role: 'canary', state: 'ready', traffic: 10 },
    { model: 'other', version: 'v2', role: 'stable', state: 'ready', traffic: 90 }
  ]
} as unknown as IDeployment;

it('begins with the champion, and says owner, data, signature, requirements and where it answers', async () => {
  const card = jest.fn(async () => CARD);
  show(
    fakeWorkbench({
      experiments: { card },
      deployments: { list: async () => ({ items: [deployment], shown: 1, total: 1, cursor: null }) }
    }),
    <ModelCard detail={DETAIL} />
  );
  await settle();
  expect(card).toHaveBeenCalledWith('flights', 2, expect.anything());
  const text = document.body.textContent;
  for (const word of ['Delays of departures', 'ana', '1.5 MB', 'xgboost', '==3.0', 'canary 10 %']) {
    expect(text).toContain(word);
  }
  expect(cells('Inputs')).toEqual([['dep_delay', 'double', 'no']]);
  expect(cells('Outputs')).toEqual([['–', 'float32 [-1]', 'no']]);
  expect(cells('Metrics of v2')).toEqual([['auc', '0.75']]);
  expect(screen.getByText(/which read flights.departures@4711/)).toBeTruthy();
});

it('a version is found where it is deployed by the name of its model alone', () => {
  const places = placesOf('flights', [deployment]);
  expect([...places.keys()]).toEqual([2]);
  expect(places.get(2)?.map(place => place.deployment)).toEqual(['flights-delay']);
});

it.each([
  ['numpy==2.1', ['numpy', '==2.1']],
  ['pandas[parquet]>=2,<3', ['pandas[parquet]', '>=2,<3']],
  ['requests', ['requests', '–']]
])('%s is split', (line, parts) => {
  expect(split(line)).toEqual(parts);
});
