import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { Num, labelled } from '../number';
import { Table } from '../table';
import { clock } from '../times';
import { fakeWorkbench, show } from './workbench';

interface IThing {
  name: string;
  size: number | null;
  at: string;
}

const ROWS: readonly IThing[] = [
  { name: 'b', size: null, at: '2026-01-02T00:00:00Z' },
  { name: 'a', size: 2, at: '2026-01-03T00:00:00Z' },
  { name: 'c', size: 10, at: '2026-01-01T00:00:00Z' }
];

it.each([
  ['name', ['abc', 'cba'], 'ascending'],
  ['size', ['cab', 'acb'], 'descending'],
  ['at', ['abc', 'cba'], 'descending']
] as const)(
  'a column of %s is sorted first as one reads it, then the other way round',
  (key, orders, first) => {
    const keys = ['name', 'size', 'at'] as const;
    const columns = keys.map(each => ({
      key: each,
      head: each,
      cell: (row: IThing) => row.name,
      sort: (row: IThing) => row[each]
    }));
    show(
      fakeWorkbench(),
      <Table label="things" columns={columns} rows={ROWS} row={({ name }) => ({ id: name })} />
    );
    const names = (): string =>
      [...document.querySelectorAll('tbody td:first-child')].map(td => td.textContent).join('');
    fireEvent.click(screen.getByRole('button', { name: key }));
    expect(screen.getByRole('columnheader', { name: key }).getAttribute('aria-sort')).toBe(first);
    expect(names()).toBe(orders[0]);
    fireEvent.click(screen.getByRole('button', { name: key }));
    expect(names()).toBe(orders[1]);
  }
);

it('what is no number stands at the end in either order, and leaves the others in theirs', () => {
  const values = [
    3,
    Number.NaN,
    1,
    Number.POSITIVE_INFINITY,
    null,
    2,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    0
  ];
  const columns = [
    {
      key: 'auc',
      head: 'auc',
      cell: (at: number) => String(values[at]),
      sort: (at: number) => values[at]!
    }
  ];
  const rows = values.map((_, at) => at);
  const row = (at: number): { id: string } => ({ id: String(at) });
  show(fakeWorkbench(), <Table label="versions" columns={columns} rows={rows} row={row} />);
  const shown = (): (string | null)[] =>
    [...document.querySelectorAll('tbody td')].map(td => td.textContent);
  fireEvent.click(screen.getByRole('button', { name: 'auc' }));
  expect(shown().slice(0, 6)).toEqual(['Infinity', '3', '2', '1', '0', '-Infinity']);
  fireEvent.click(screen.getByRole('button', { name: 'auc' }));
  expect(shown().slice(0, 6)).toEqual(['-Infinity', '0', '1', '2', '3', 'Infinity']);
});

it('where the server sorts, texts begin at A too', () => {
  const onSort = jest.fn();
  const columns = [
    { key: 'name', head: 'name', cell: (row: IThing) => row.name, sort: (row: IThing) => row.name }
  ];
  const row = ({ name }: IThing): { id: string } => ({ id: name });
  show(
    fakeWorkbench(),
    <Table label="things" {...{ columns, row, onSort }} rows={ROWS} sort={null} />
  );
  fireEvent.click(screen.getByRole('button', { name: 'name' }));
  expect(onSort).toHaveBeenCalledWith({ key: 'name', descending: false });
});

it('moments have seconds where two of them read the same, and only there', () => {
  const [one, two, later] = [
    '2026-01-01T09:00:07Z',
    '2026-01-01T09:00:41Z',
    '2026-01-01T10:05:00Z'
  ];
  expect([one, two].map(clock([one, two, null]))).toEqual([
    expect.stringMatching(/:00:07$/),
    expect.stringMatching(/:00:41$/)
  ]);
  expect([one, later].map(clock([one, one, later]))).toEqual([
    expect.stringMatching(/ \d\d:00$/),
    expect.stringMatching(/ \d\d:05$/)
  ]);
  expect(clock([one, two])(null)).toBe('–');
});

const sampled = (value: number | null): ReturnType<typeof labelled> => ({
  ...labelled(value, 'sample'),
  n: 200_000
});

describe('a column of numbers', () => {
  const row = (at: number): { id: string } => ({ id: String(at) });
  const draw = (values: readonly ReturnType<typeof labelled>[], own = false): HTMLElement[] => {
    const figure = (at: number): ReturnType<typeof labelled> | undefined => values[at];
    const cell = own ? (at: number) => <b>PSI {<Num value={values[at]} />}</b> : undefined;
    const columns = [{ key: 'psi', head: 'PSI', figure, cell }];
    const rows = values.map((_, at) => at);
    show(fakeWorkbench(), <Table label="drift" columns={columns} rows={rows} row={row} />);
    return [...screen.getByRole('grid').querySelectorAll<HTMLElement>('th, td')];
  };
  const words = (nodes: readonly HTMLElement[]): (string | null)[] =>
    nodes.map(node => node.textContent);

  it('says the basis that all of them share once, in its heading', () => {
    const [head, ...cells] = draw([sampled(1), sampled(null), sampled(3)]);
    expect(words([head!, ...cells])).toEqual(['PSI~', '1', '–', '3']);
    expect(head!.querySelector('[title]')?.getAttribute('title')).toBe(
      'from a sample of 200,000 rows'
    );
    expect(cells[0]!.querySelector('[data-basis]')?.getAttribute('data-basis')).toBe('sample');
  });

  it('says in its heading no more than is true of all', () => {
    const [head] = draw([sampled(1), { ...sampled(2), n: 100 }]);
    expect(head!.querySelector('[title]')?.getAttribute('title')).toBe('from a sample');
  });

  it('says it once too where a cell shows more than its number', () => {
    expect(words(draw([sampled(1), sampled(3)], true))).toEqual(['PSI~', 'PSI 1', 'PSI 3']);
  });

  it('says it on the numbers where they differ', () => {
    expect(words(draw([sampled(1), labelled(2)]))).toEqual(['PSI', '1~', '2']);
  });

  it('says nothing where all are exact', () => {
    expect(words(draw([labelled(1), labelled(2)]))).toEqual(['PSI', '1', '2']);
  });

  it('stands at the right', () => {
    const nodes = draw([labelled(1)]);
    expect(nodes.map(node => node.className)).toEqual([
      expect.stringContaining('is-end'),
      expect.stringContaining('is-end')
    ]);
  });
});

it('a key that moves the focus does not read all numbers of a table anew', () => {
  const figure = jest.fn(({ size }: IThing) => size);
  const columns = [{ key: 'size', head: 'size', figure, cell: ({ name }: IThing) => name }];
  const row = ({ name }: IThing): { id: string } => ({ id: name });
  show(fakeWorkbench(), <Table label="things" columns={columns} rows={ROWS} row={row} />);
  const read = figure.mock.calls.length;
  expect(read).toBeGreaterThan(0);
  const [first, second] = document.querySelectorAll<HTMLElement>('tbody tr');
  act(() => first?.focus());
  fireEvent.keyDown(first!, { key: 'ArrowDown' });
  expect(document.activeElement).toBe(second);
  expect(figure).toHaveBeenCalledTimes(read);
});
