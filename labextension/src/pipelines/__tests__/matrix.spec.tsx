import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import type { IPipelineRun } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IColumn } from '../grid';
import { type ICellSpot, Matrix } from '../matrix';

const rows = Array.from({ length: 200 }, (_, index) => `step${index}`);
const columns = Array.from({ length: 100 }, (_, index): IColumn => {
  const steps = rows.map(name => ({ name, state: 'succeeded', reason: '' }));
  const run = {
    run: `r${index}`,
    state: 'succeeded',
    steps,
    started_at: '',
    ended_at: ''
  } as unknown as IPipelineRun;
  return { id: `r${index}`, day: '11-24', first: index === 0, clock: '09:00', title: '', run };
});

function Held({ onOpen }: { onOpen: (spot: ICellSpot) => void }): React.ReactElement {
  const [spot, select] = React.useState<ICellSpot | null>(null);
  return (
    <Matrix
      pipeline="p"
      rows={rows}
      columns={columns}
      selected={spot}
      onSelect={select}
      onOpen={onOpen}
    />
  );
}

describe('the matrix of 200 steps and 100 runs', () => {
  it('tells how large it is and draws a small part', () => {
    show(fakeWorkbench(), <Held onOpen={jest.fn()} />);
    const grid = screen.getByRole('grid');
    expect([grid.getAttribute('aria-rowcount'), grid.getAttribute('aria-colcount')]).toEqual([
      '201',
      '101'
    ]);
    expect(screen.getAllByRole('gridcell').length).toBeLessThan(900);
  });

  it('is one tab stop; arrows walk, and draw the cell that they come to', () => {
    const onOpen = jest.fn();
    show(fakeWorkbench(), <Held onOpen={onOpen} />);
    const stops = (): HTMLElement[] =>
      screen.getAllByRole('gridcell').filter(cell => cell.tabIndex === 0);
    const [first] = stops();
    expect(stops()).toHaveLength(1);
    act(() => first?.focus());
    for (const key of ['End', 'PageDown', 'PageDown', 'ArrowDown', 'ArrowLeft']) {
      fireEvent.keyDown(document.activeElement ?? document.body, { key });
    }
    expect(stops()).toEqual([document.activeElement]);
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Enter' });
    expect(onOpen).toHaveBeenCalledWith({ row: 'step21', column: 'r98' });
  });
});

it.each([
  ['skipped', 'skipped'],
  ['failed', 'failed']
])('a time at which nothing was run, %s, is %s with its reason', (state, name) => {
  const skipped = {
    due: '',
    due_at: '',
    schedule: 's',
    state,
    reason: 'The last one was still running.'
  };
  const column = {
    id: 's',
    day: '11-24',
    first: true,
    clock: '06:00',
    title: '',
    missed: skipped
  } as unknown as IColumn;
  const nothing = jest.fn();
  show(
    fakeWorkbench(),
    <Matrix
      pipeline="p"
      rows={['a']}
      columns={[column]}
      selected={null}
      onSelect={nothing}
      onOpen={nothing}
    />
  );
  expect(screen.getByRole('img', { name }).title).toBe('The last one was still running.');
  expect(screen.getByRole('columnheader', { name: `11-24 06:00, ${name}` })).toBeTruthy();
});
