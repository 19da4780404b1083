import { act, screen } from '@testing-library/react';
import React from 'react';

import type { IDataset } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Lineage } from '../lineage';

const settle = async (): Promise<void> => {
  for (let step = 0; step < 3; step++) {
    await act(async () => {
      await new Promise(resolve => setTimeout(resolve));
    });
  }
};

const edge = (input: string, output: string, job: string): object => ({
  input,
  output,
  job,
  at: '2026-01-01T00:00:00Z'
});

Element.prototype.scrollIntoView = jest.fn(); // jsdom has none

it('asks for the names of all jobs and runs at once', async () => {
  const items = [
    edge('file:a.csv', 'dataset:n.a', 'job:00000001'),
    edge('dataset:n.a', `run:${'b'.repeat(32)}`, 'job:00000002'),
    edge('dataset:n.a', 'dataset:n.b', 'catalog.write')
  ];
  const names = jest.fn(async () => ({ 'job:00000001': 'nightly ingest' }));
  const show_ = jest.fn();
  const fake = fakeWorkbench({
    catalog: { lineage: async () => ({ items, shown: 3, total: 3 }) },
    jobs: { show: show_ },
    experiments: { run: show_ },
    names
  });
  show(fake, <Lineage dataset={{ ref: 'dataset:n.a', name: 'n.a' } as unknown as IDataset} />);
  await settle();
  expect(names).toHaveBeenCalledTimes(1);
  expect(names).toHaveBeenCalledWith(
    ['job:00000001', 'job:00000002', `run:${'b'.repeat(32)}`],
    expect.anything()
  );
  expect(show_).not.toHaveBeenCalled();
  expect(screen.getByText('nightly ingest').closest('button')?.title).toContain('job:00000001');
  expect(screen.getByText('bbbbbbbb')).toBeTruthy(); // a run without a name keeps its short id
});
