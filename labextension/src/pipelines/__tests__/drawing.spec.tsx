import type { IPipelineRun, IStep } from '../../api/types';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { draw, partOf } from '../drawing';

const graph = ['features', 'train'].map(
  name =>
    ({
      name,
      elements: [],
      inputs: [],
      outputs: [],
      after: [],
      notebook: `${name}.ipynb`
    }) as unknown as IStep
);
const run = (
  states: Readonly<Record<string, string>>,
  facts: Partial<IPipelineRun> = {}
): IPipelineRun => {
  const steps = Object.entries(states).map(([name, state]) => ({ name, state, reason: '' }));
  return { run: 'r2', only: '', repairs: '', ...facts, steps } as unknown as IPipelineRun;
};
const { workbench } = fakeWorkbench();
const notes = (shown: IPipelineRun | undefined): [string | undefined, boolean | undefined][] =>
  draw({ pipeline: 'churn', graph, run: shown }, workbench).nodes.map(({ note, unreached }) => [
    note,
    unreached
  ]);

describe('the graph after a run of a part', () => {
  it('tells the step that was run from those that were left', () => {
    expect(notes(run({ train: 'succeeded' }, { only: 'train' }))).toEqual([
      ['left as it was', true],
      ['succeeded', false]
    ]);
  });

  it('tells what a repair has run from what it took over', () => {
    expect(notes(run({ features: 'cached', train: 'succeeded' }, { repairs: 'r1' }))).toEqual([
      ['taken as it was', false],
      ['succeeded', false]
    ]);
    expect(notes(run({ features: 'cached', train: 'succeeded' }))[0]).toEqual(['cached', false]);
  });

  it('says nothing of a run that there is not, or of a step that is newer', () => {
    expect(notes(undefined)[0]).toEqual(['features.ipynb', false]);
    expect(notes(run({ train: 'failed' }))[0]).toEqual(['features.ipynb', false]);
  });

  it('is named', () => {
    const { trans } = workbench;
    expect(partOf({ only: 'train', repairs: '' }, trans)).toBe('of step train alone');
    expect(partOf({ only: '', repairs: 'r1' }, trans)).toBe('a repair of r1');
    expect(partOf({ only: '', repairs: '' }, trans)).toBe('');
  });
});
