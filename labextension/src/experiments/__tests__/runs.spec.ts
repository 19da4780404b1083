import type { IRun } from '../../api/types';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { runColumns } from '../runs';

it('a table of runs says how many metrics and parameters have no column, and gives them when told', () => {
  const many = (prefix: string, value: unknown): object =>
    Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${prefix}${index}`, value]));
  const runs = ['a', 'b'].map(
    value => ({ metrics: many('m', 1), params: many('p', value) }) as unknown as IRun
  );
  const { workbench } = fakeWorkbench();
  const named = (all: boolean): [number, number] => {
    const { columns, left } = runColumns(runs, workbench, all);
    return [columns.filter(({ key }) => /^(metrics|params)\./.test(key)).length, left];
  };
  expect(named(false)).toEqual([12, 6]);
  expect(named(true)).toEqual([18, 0]);
});
