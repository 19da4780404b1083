import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IDeployment } from '../../api/types';
import { Latency } from '../../deployments/latency';
import { alertOf } from '../../monitoring/__tests__/records';
import { ValueChart } from '../../monitoring/valuechart';
import { settle } from './samples';
import { fakeWorkbench, show } from './workbench';

const START = '2026-01-01T00:00:00Z';
const END = '2026-01-01T10:00:00Z';

/** Of what happened, one deploy and one run are between START and END. */
const HAPPENED = {
  deployments: {
    show: async () => ({
      history: [
        { at: '2026-01-01T05:00:00Z', verb: 'deploy', text: 'v8 5 %' },
        { at: '2025-12-31T05:00:00Z', verb: 'deploy', text: 'v7' }
      ]
    })
  },
  pipelines: {
    list: async () => ({ items: [{ name: 'etl' }] }),
    runs: async () => ({
      items: [{ pipeline: 'etl', state: 'done', started_at: '2026-01-01T02:30:00Z' }]
    })
  }
};

/** Of each mark what it opens, and where its line is. */
const drawn = (): [ref: string | null, x: number][] =>
  [...document.querySelectorAll('[data-ref] > line')].map(line => [
    line.parentElement?.getAttribute('data-ref') ?? null,
    Number(line.getAttribute('x1'))
  ]);

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('deploys and runs of pipelines are marks on the chart of a deployment, at their time', async () => {
  const point = { at: START, requests: 6, errors: 0, p50_ms: 1, p95_ms: 2, p99_ms: 3 };
  const fake = fakeWorkbench({
    ...HAPPENED,
    deployments: {
      ...HAPPENED.deployments,
      latency: async () => ({
        since: START,
        until: END,
        complete_since: START,
        bucket_seconds: 60,
        versions: [{ version: 'v8', whole: point, points: [point] }]
      })
    }
  });
  show(fake, <Latency deployment={{ name: 'churn', versions: [] } as unknown as IDeployment} />);
  await settle();
  const axis = [...document.querySelectorAll('svg line.jp-mlinfra-axis')][0]!;
  const [left, right] = ['x1', 'x2'].map(end => Number(axis.getAttribute(end)));
  const at = (share: number): number => left! + share * (right! - left!);
  expect(drawn()).toEqual([
    ['pipeline:etl', at(0.25)],
    ['deployment:churn', at(0.5)]
  ]);
  fireEvent.click(screen.getByRole('button', { name: /etl/ }));
  expect(fake.open).toHaveBeenCalledWith('pipeline:etl');
});

it('and on the value of an alert', () => {
  show(
    fakeWorkbench(),
    <ValueChart
      alert={alertOf()}
      points={[]}
      clear={null}
      wide
      marks={[{ at: START, state: 'ready', text: 'deploy v8', ref: 'deployment:churn' }]}
      start={Date.parse(START) - 1000}
      end={Date.parse(END)}
    />
  );
  expect(drawn().map(([ref]) => ref)).toEqual(['deployment:churn']);
  expect(screen.getByRole('button', { name: /deploy v8/ })).toBeTruthy();
});
