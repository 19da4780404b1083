import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IPipelineDetail, IPipelineRun } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IPipelineActions } from '../actions';
import { RunsView } from '../runs';

const step = {
  name: 'train',
  state: 'succeeded',
  reason: 'The code changed.',
  changed: ['code'],
  detail: 'cell 3:'
};
const run = {
  run: 'r1',
  state: 'succeeded',
  steps: [step],
  parameters: {},
  started_at: '2026-11-24T09:00:00Z',
  ended_at: '2026-11-24T09:01:00Z',
  reason: '',
  date: '',
  only: '',
  repairs: ''
} as unknown as IPipelineRun;
const detail = {
  pipeline: { name: 'churn', path: 'churn.mlpipeline.yaml' },
  graph: [{ name: 'train', elements: [] }],
  runs: [run]
} as unknown as IPipelineDetail;

it('Explain shows the lines of code for which a step ran, of which a list of runs has the first only', async () => {
  const nothing = { items: [], shown: 0, total: 0, cursor: null };
  const fake = fakeWorkbench({
    pipelines: {
      runs: async () => ({ ...nothing, items: [run], shown: 1, total: 1 }),
      explain: async () => ({ changed: [], detail: '' }),
      showRun: async () => ({
        ...run,
        steps: [{ ...step, detail: 'cell 3:\n- lr = 0.1\n+ lr = 0.03' }]
      })
    },
    schedules: { list: async () => nothing }
  });
  const actions = { busy: false, running: false } as unknown as IPipelineActions;
  show(fake, <RunsView detail={detail} actions={actions} step="train" onStep={jest.fn()} />);
  fireEvent.click(await screen.findByRole('button', { name: 'Explain' }));
  expect((await screen.findByText('+ lr = 0.03')).className).toContain('is-added');
  expect(screen.getByText('- lr = 0.1').className).toContain('is-removed');
  expect(screen.getByText('Now it would come from the cache.')).toBeTruthy();
});

const shown = (ran: object, graph: readonly string[]): void => {
  const failed = {
    ...run,
    state: 'failed',
    repairable: true,
    steps: [{ ...step, ...ran }]
  } as unknown as IPipelineRun;
  const nothing = { items: [], shown: 0, total: 0, cursor: null };
  const runs = async (): Promise<object> => ({ ...nothing, items: [failed], shown: 1, total: 1 });
  const fake = fakeWorkbench({ pipelines: { runs }, schedules: { list: async () => nothing } });
  const there = {
    ...detail,
    graph: graph.map(name => ({ name, elements: [] })),
    runs: [failed]
  } as unknown as IPipelineDetail;
  const actions = { busy: false, running: false } as unknown as IPipelineActions;
  show(fake, <RunsView detail={there} actions={actions} step="train" onStep={jest.fn()} />);
};

it.each(['', 'first run'])(
  'a step that ran for the first time says so once, its reason being %j',
  async reason => {
    shown({ reason, changed: ['first run'], detail: 'first run' }, ['train']);
    expect((await screen.findAllByText(/first run/)).map(({ textContent }) => textContent)).toEqual(
      ['changed: first run']
    );
  }
);

it.each([
  [['train'], 1],
  [['load'], 0]
])('the card of a failed step offers Repair while the file has it: %s', async (graph, offered) => {
  shown({ state: 'failed', reason: 'Cell 2 failed.' }, graph);
  expect(await screen.findByText('train failed')).toBeTruthy();
  expect(screen.queryAllByRole('button', { name: 'Repair' })).toHaveLength(offered);
});

it('what is to be said of a cell that is opened comes into sight', async () => {
  const seen = (Element.prototype.scrollIntoView = jest.fn());
  shown({ state: 'failed', reason: 'Cell 2 failed.' }, ['train']);
  const cell = await screen.findByRole('gridcell');
  expect(seen).not.toHaveBeenCalled();
  fireEvent.click(cell);
  const [place] = seen.mock.instances as unknown as HTMLElement[];
  expect(place?.textContent).toContain('train failed');
});
