import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IDataset } from '../../api/types';
import { settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Quality } from '../quality';
import { addRule, removeRule } from '../rules';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());
Element.prototype.scrollIntoView = jest.fn(); // jsdom has none

const dataset = { ref: 'dataset:n.a', name: 'n.a', signs: {} } as unknown as IDataset;
const watch = (verdict: string, why: string): object => ({ verdict, why, n: 9 });
const past = (passed: boolean, snapshot: string): object => ({
  at: '2026-11-24T08:00:00Z',
  by: 'ingest',
  passed,
  failed_rows: passed ? 0 : 2,
  rows: 10,
  snapshot
});
const rule = (name: string, passed: boolean | null, sample: object[] = []): object => ({
  rule: { rule: name, text: name, severity: 'block' },
  last:
    passed === null
      ? null
      : { passed, failed_rows: passed ? 0 : 2, rows: 10, sample, error: '', severity: 'block' },
  history: passed === null ? [] : [past(passed, '8'), past(true, '')],
  results: passed === null ? 0 : 2
});
const found = (...rules: object[]): object => ({
  dataset: 'n.a',
  rules,
  freshness: watch('late', 'The last came 3 days ago'),
  volume: watch('usual', '10 rows')
});

it('shows what each rule found, the rows that fail, and whether new rows are late', async () => {
  const answer = found(
    rule('id not null', false, [{ id: null, word: 'x' }]),
    rule('price >= 0', true),
    rule('day unique', null)
  );
  const fake = fakeWorkbench({ catalog: { quality: async () => answer } });
  show(fake, <Quality dataset={dataset} />);
  await settle();
  const table = screen.getByRole('grid', { name: 'Rules of n.a' });
  const states = [...table.querySelectorAll('tbody tr, [role=row]')]
    .map(row => row.querySelector('[data-state]')?.getAttribute('data-state'))
    .filter(Boolean);
  expect(states).toEqual(['failed', 'passed', 'never']);
  expect(screen.getByText('The last came 3 days ago')).toBeTruthy();
  expect(document.querySelector('[data-state=late]')).toBeTruthy();
  const sample = screen.getByRole('grid', { name: 'Rows that fail id not null' });
  expect(within(sample).getByText('x')).toBeTruthy();
  const cells = screen.getByRole('toolbar', { name: 'Results of id not null, oldest first' });
  expect(within(cells).getAllByRole('button')).toHaveLength(2);
});

it('a rule that is not about rows has found a number, and no rows', async () => {
  const answer = found({
    ...rule('SELECT avg(x) …', false),
    last: { passed: false, failed_rows: null, rows: 10, sample: [{ value: 4.5 }], error: '' }
  });
  const fake = fakeWorkbench({ catalog: { quality: async () => answer } });
  show(fake, <Quality dataset={dataset} />);
  await settle();
  const heading = screen.getByRole('heading', { name: /^What SELECT avg\(x\) … has found/ });
  expect(within(heading).getByText('4.5')).toBeTruthy();
  expect(screen.queryByRole('grid', { name: /has found/ })).toBeNull();
  expect(screen.queryByText(/1 of/)).toBeNull();
});

it('teaches with one button where there are no rules', async () => {
  const fake = fakeWorkbench({ catalog: { quality: async () => found() } });
  show(fake, <Quality dataset={dataset} />);
  await settle();
  expect(document.querySelectorAll('[data-card=empty] .jp-mlinfra-is-primary')).toHaveLength(1);
  fireEvent.click(screen.getByRole('button', { name: 'Add Rule…' }));
});

it('adds a rule and removes it, each of which undoes the other', async () => {
  let rules = [rule('price >= 0', true)];
  const changeRules = jest.fn(async (_: string, change: { add?: string; remove?: string }) => {
    rules = change.add
      ? [...rules, rule(change.add, null)]
      : rules.filter(({ rule: { rule: name } }: any) => name !== change.remove); // eslint-disable-line @typescript-eslint/no-explicit-any
    return found(...rules);
  });
  const fake = fakeWorkbench({ catalog: { quality: async () => found(...rules), changeRules } });
  const call = { workbench: fake.workbench, ref: 'dataset:n.a', name: 'n.a', item: dataset };
  const change = { add: 'id unique', severity: 'warn' };
  const added = await addRule({ ...call, args: { change } });
  expect(added).toMatchObject({ undo: { args: { ref: 'dataset:n.a', rule: 'id unique' } } });
  const gone = await removeRule({ ...call, args: { rule: 'id unique' } });
  expect(gone).toMatchObject({
    undo: { command: 'mlinfra:catalog-rule', args: { change: { add: 'id unique' } } }
  });
  expect(rules).toHaveLength(1);
});
