import { act, fireEvent, screen, waitFor } from '@testing-library/react';
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
  at: '2026-01-01T00:00:00Z',
  columns: []
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

it('keeps the names it knows while those of a new edge are asked for', async () => {
  const items = [edge('file:a.csv', 'dataset:n.a', 'job:00000001')];
  let answer: (names: object) => void = () => undefined;
  const names = jest
    .fn()
    .mockResolvedValueOnce({ 'job:00000001': 'nightly ingest' })
    .mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
  const lineage = async (): Promise<object> => ({
    items: [...items],
    shown: items.length,
    total: items.length
  });
  const fake = fakeWorkbench({ catalog: { lineage }, names });
  show(fake, <Lineage dataset={{ ref: 'dataset:n.a', name: 'n.a' } as unknown as IDataset} />);
  await settle();
  expect(screen.getByText('nightly ingest')).toBeTruthy();

  items.push(edge('dataset:n.a', 'dataset:n.b', 'job:00000002'));
  act(() => fake.emit({ topic: 'dataset', ref: 'dataset:n.a', data: {} }));
  await waitFor(() => expect(names).toHaveBeenCalledTimes(2));
  expect(names.mock.lastCall?.[0]).toEqual(['job:00000001', 'job:00000002']);
  expect(screen.getByText('nightly ingest')).toBeTruthy();
  expect(screen.getByText('00000002')).toBeTruthy();

  answer({ 'job:00000001': 'nightly ingest', 'job:00000002': 'weekly report' });
  expect(await screen.findByText('weekly report')).toBeTruthy();
  expect(screen.getByText('nightly ingest')).toBeTruthy();
});

it('opens the cell that wrote a snapshot, also by keyboard', async () => {
  const items = [
    edge('file:a.csv', 'dataset:n.a', 'notebook:my work/load it.ipynb#1f-2'),
    edge('dataset:n.a', 'dataset:n.b', 'job:00000002')
  ];
  const fake = fakeWorkbench({
    catalog: { lineage: async () => ({ items, shown: 2, total: 2 }) },
    names: async () => ({})
  });
  const execute = jest.fn();
  fake.workbench.commands.addCommand('mlinfra:workbench-open-file', { describedBy: {}, execute });
  show(fake, <Lineage dataset={{ ref: 'dataset:n.a', name: 'n.a' } as unknown as IDataset} />);
  await settle();
  const cell = screen.getByText('load it.ipynb').closest('button');
  fireEvent.click(screen.getByText('load it.ipynb'));
  const place = { path: 'my work/load it.ipynb', cell: '1f-2' };
  expect(execute.mock.lastCall?.[0]).toEqual(place);

  const current = screen.getByText('a').closest('button');
  act(() => current?.focus());
  fireEvent.keyDown(current as Element, { key: 'ArrowLeft' });
  expect(document.activeElement).toBe(cell); // a button: Enter is a click

  const find = screen.getByRole('textbox', { name: 'find' });
  fireEvent.change(find, { target: { value: 'my work' } });
  expect(screen.getByText('load it.ipynb').closest('button')?.className).toContain('is-found');
  fireEvent.click(screen.getByText('00000002')); // a job has a page
  expect(fake.open).toHaveBeenCalledWith('job:00000002');
});
