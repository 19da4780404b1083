import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { ICausePlace, ICauseSource, IFeatureCause } from '../../api/types';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { Cause } from '../cause';

const place = (change: Partial<ICausePlace>): ICausePlace => ({
  file: 'features.ipynb',
  cell: 3,
  how: 'assigns',
  line: 1,
  first_line: 1,
  source: 'df = df.with_columns(temp=1)',
  change: 'unchanged',
  diff: '',
  ...change
});

const source = (change: Partial<ICauseSource>): ICauseSource => ({
  dataset: 'dataset:flights.training@7',
  column: 'column:flights.training.temp',
  how: 'trained on it',
  at: '2026-01-01T00:00:00Z',
  newer: 2,
  view: '',
  entities: [],
  written_by: 'job:j1',
  pipeline: 'pipeline:flights',
  step: 'step:flights/features',
  run: 'r1',
  job: 'job:j1',
  notebook: 'features.ipynb',
  executed: '.mlinfra/runs/r1/features.ipynb',
  places: [],
  named: 0,
  later_run: 'r2',
  later_executed: '.mlinfra/runs/r2/features.ipynb',
  later_why: 'code changed',
  reasons: [],
  ...change
});

const cause = (sources: ICauseSource[], reasons: string[] = []): IFeatureCause => ({
  monitor: 'flights',
  feature: 'temp',
  version: 'version:flights/1',
  run: 'run:9c1e',
  sources,
  reasons,
  code: {},
  basis: 'Code is found by name.'
});

/** The section after it was asked for. */
async function traced(found: IFeatureCause): Promise<{ fake: IFake; asked: jest.Mock }> {
  const asked = jest.fn(async () => found);
  const fake = fakeWorkbench({ monitoring: { cause: asked } });
  show(fake, <Cause monitor="flights" feature="temp" version="v1" />);
  expect(asked).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole('button', { name: 'Trace to Its Code' }));
  await screen.findByText(found.basis);
  return { fake, asked };
}

describe('where a feature comes from', () => {
  it('is asked for once, on demand, and leads to the dataset, the step and the job', async () => {
    const { fake, asked } = await traced(
      cause([source({ view: 'view:weather', entities: ['origin'], places: [place({})] })])
    );
    expect(asked).toHaveBeenCalledTimes(1);
    expect(asked).toHaveBeenCalledWith(
      'flights',
      { feature: 'temp', version: 'v1' },
      expect.anything()
    );
    const group = screen.getByRole('group', { name: 'From dataset:flights.training@7' });
    for (const ref of [
      'dataset:flights.training@7',
      'view:weather',
      'step:flights/features',
      'job:j1'
    ]) {
      const [link] = within(group).getAllByTitle(ref);
      fireEvent.click(link!);
      expect(fake.open).toHaveBeenLastCalledWith(ref);
    }
    expect(group.textContent).toContain('2 snapshots since');
    expect(group.textContent).toContain('in pipeline run r1');
    expect(group.textContent).toContain(
      'features.ipynb, cell 3, line 1 assigns temp · unchanged in pipeline run r2'
    );
    expect(screen.getByRole('region', { name: 'features.ipynb, cell 3, line 1' }).textContent).toBe(
      'df = df.with_columns(temp=1)'
    );
  });

  it('names the version, and can be asked for again by the same button', async () => {
    const { asked } = await traced(cause([]));
    expect(screen.getAllByTitle('version:flights/1')).not.toEqual([]);
    const again = screen.getByRole('button', { name: 'Trace Again' });
    asked.mockResolvedValueOnce({ ...cause([]), basis: 'Its notebook ran since.' });
    fireEvent.click(again);
    expect(await screen.findByText('Its notebook ran since.')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Trace Again' })).toBe(again);
  });

  it('shows what changed with its signs, and the notebook of the newer run', async () => {
    const diff = '--- a\n+++ b\n@@ -1 +1 @@\n-temp=1\n+temp=2';
    const { fake } = await traced(
      cause([source({ places: [place({ change: 'changed', diff })], named: 9 })])
    );
    const region = screen.getByRole('region', {
      name: 'What changed in features.ipynb, cell 3, line 1'
    });
    expect(region.textContent).toBe(diff);
    expect(screen.getByText(/changed since \(code changed\)/)).toBeTruthy();
    expect(screen.getByText('1 of 9 places')).toBeTruthy();
    const execute = jest.spyOn(fake.workbench.commands, 'execute').mockResolvedValue(undefined);
    fireEvent.click(screen.getByRole('button', { name: 'r2' }));
    expect(execute).toHaveBeenCalledWith('mlinfra:workbench-open-file', {
      path: '.mlinfra/runs/r2/features.ipynb'
    });
  });

  it('says what is not known, as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    await traced(
      cause(
        [
          source({
            step: '',
            pipeline: '',
            job: '',
            executed: '',
            notebook: '',
            reasons: [hostile]
          })
        ],
        ['Its run names no dataset.']
      )
    );
    expect(screen.getByText(hostile)).toBeTruthy();
    expect(document.querySelector('img')).toBeNull();
    expect(screen.getByText('Its run names no dataset.')).toBeTruthy();
    expect(screen.queryByText('step')).toBeNull();
  });
});
