import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import Pick, { type IPickState } from '../pick';
import { sortable } from '../rows';

const row = (run: string, auc: string, took: string): Record<string, string> => ({
  run,
  state: 'succeeded',
  auc,
  took
});
const STATE: IPickState = {
  title: 'runs',
  rows: [row('a1', '0.9', '59.0 s'), row('b2', '0.11', '1 h 5 min'), row('c3', '–', '2 min 05 s')],
  refs: ['run:a1', 'run:b2', ''],
  picked: [1],
  total: 5,
  _more: true,
  fault: ''
};

function table(state: Partial<IPickState> = {}): {
  fake: IFake;
  onPick: jest.Mock;
  onMore: jest.Mock;
} {
  const scene = { fake: fakeWorkbench(), onPick: jest.fn(), onMore: jest.fn() };
  const { onPick, onMore } = scene;
  show(scene.fake, <Pick state={{ ...STATE, ...state }} {...{ onPick, onMore }} />);
  return scene;
}

const names = (): (string | null)[] =>
  [...document.querySelectorAll('tbody td:nth-child(2)')].map(td => td.textContent);

describe('a table to pick from', () => {
  it('is picked from by a click, by the box and by Space; the name opens the page', () => {
    const { fake, onPick } = table();
    const rows = screen.getAllByRole('row').slice(1);
    expect(rows.map(each => each.getAttribute('aria-selected'))).toEqual([
      'false',
      'true',
      'false'
    ]);
    fireEvent.click(screen.getByText('2 min 05 s'));
    expect(onPick).toHaveBeenLastCalledWith([1, 2]);
    fireEvent.click(screen.getAllByRole('checkbox')[1]!);
    expect(onPick).toHaveBeenLastCalledWith([]);
    fireEvent.keyDown(rows[0]!, { key: ' ' });
    expect(onPick).toHaveBeenLastCalledWith([0, 1]);
    expect(fake.open).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'a1' }));
    expect(fake.open).toHaveBeenCalledWith('run:a1');
    expect(screen.queryByRole('button', { name: 'c3' })).toBeNull();
  });

  it('says how many there are, how many are picked, and loads more', () => {
    const { onPick, onMore } = table();
    expect(screen.getByRole('status').textContent).toBe('3 of 5 · 1 picked');
    fireEvent.click(screen.getByRole('button', { name: 'More' }));
    expect(onMore).toHaveBeenCalledTimes(1);
    fireEvent.click(screen.getByRole('button', { name: 'Clear' }));
    expect(onPick).toHaveBeenCalledWith([]);
  });

  it('is narrowed by words in any order; what is picked and hidden stays picked', () => {
    const { onPick } = table();
    fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'SUCC a1' } });
    expect(names()).toEqual(['a1']);
    fireEvent.click(screen.getByText('59.0 s'));
    expect(onPick).toHaveBeenCalledWith([0, 1]);
  });

  it('is sorted by what its texts say', () => {
    table();
    fireEvent.click(screen.getByRole('button', { name: 'auc' }));
    expect(names()).toEqual(['a1', 'b2', 'c3']);
    fireEvent.click(screen.getByRole('button', { name: 'took' }));
    expect(names()).toEqual(['b2', 'c3', 'a1']);
    fireEvent.click(screen.getByRole('button', { name: 'run' }));
    expect(names()).toEqual(['a1', 'b2', 'c3']);
  });

  it('gives a long text several lines, so that its end can be read', () => {
    const reason =
      'Cell 3 failed at line 1: ValueError: the column customer_id is missing in the frame';
    table({ rows: [{ job: 'a', reason }], refs: ['job:a'], picked: [], total: 1, _more: false });
    expect(screen.getByText(reason).className).toContain('is-wrap');
    expect(screen.getByText('a').closest('td')?.className).not.toContain('is-wrap');
  });

  it('says why no more could be loaded, and that there is nothing', () => {
    table({ fault: 'The store does not answer.' });
    expect(screen.getByRole('alert').textContent).toBe('The store does not answer.');
    table({ rows: [], refs: [], picked: [], total: 0, _more: false });
    expect(screen.getByText('There are no runs here.')).toBeTruthy();
  });
});

it.each([
  ['1,234', 1234],
  ['−3', -3],
  ['1.5e-3', 0.0015],
  ['45.2 %', 45.2],
  ['5.4 MB', 5.4e6],
  ['4 min 05 s', 245],
  ['850 ms', 0.85],
  ['≈ 12', 12],
  ['–', null],
  ['plane', 'plane'],
  ['1 h 5 min', 3_900],
  ['~18 s est.', 18],
  ['.5', 0.5],
  ['2026-11-27', '2026-11-27'],
  ['1.10.0', '1.10.0'],
  ['1,2', '1,2'],
  ['2 3', '2 3'],
  ['9'.repeat(40), 1e40],
  [`${'9'.repeat(40)}x`, `${'9'.repeat(40)}x`],
  [`${'9,'.repeat(40)}x`, `${'9,'.repeat(40)}x`],
  ['2013-12-01 10:00', '2013-12-01 10:00'],
  ['v7 90 %, v8 10 %', 'v7 90 %, v8 10 %']
])('%s is sorted by %p', (text, by) => {
  const start = performance.now();
  expect(sortable(text)).toEqual(
    by === null || typeof by === 'string' ? by : expect.closeTo(by, 9)
  );
  expect(performance.now() - start).toBeLessThan(500);
});
