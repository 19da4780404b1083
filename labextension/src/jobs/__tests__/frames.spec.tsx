import { screen } from '@testing-library/react';
import React from 'react';

import type { IJob } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { framesOf } from '../frames';
import { Output } from '../output';

const JOB = { id: '7f3a', ref: 'job:7f3a', attempt: 1, state: 'succeeded' } as IJob;

const PANDAS = `<div><style scoped>.dataframe tbody tr th { color: red }</style><table border="1" class="dataframe">
  <thead><tr><th></th><th colspan="2" onclick="window.hit = 1">delay</th></tr><tr><th>carrier</th><th>mean</th><th>n</th></tr></thead>
  <tbody><tr><th rowspan="2">AA</th><td>-1.25</td><td>32,729</td></tr><tr><td>NaN</td><td><img src=x onerror="window.hit = 1">x</td></tr></tbody>
</table><p>2 rows × 3 columns</p></div>`;

describe('a frame in the output of a notebook', () => {
  it('is drawn as a table, as data: none of its markup, styles or pictures', async () => {
    const path = '.mlinfra/jobs/7f3a/1/train.ipynb';
    const data = { 'text/html': PANDAS, 'text/plain': 'carrier  mean  n' };
    const cells = [
      { cell_type: 'code', source: 'frame', outputs: [{ output_type: 'execute_result', data }] }
    ];
    const executedSince = async (): Promise<unknown> => ({
      path,
      content: { cells },
      modified_at: '',
      failed_cell: null
    });
    show(fakeWorkbench({ jobs: { executedSince } }), <Output job={{ ...JOB, output: path }} />);
    const table = await screen.findByRole('table');
    const texts = [...table.querySelectorAll('tr')].map(row =>
      [...row.children].map(cell => cell.textContent)
    );
    expect(texts).toEqual([
      ['', 'delay'],
      ['carrier', 'mean', 'n'],
      ['AA', '-1.25', '32,729'],
      ['NaN', 'x']
    ]);
    expect(table.querySelector('img, style, [onclick]')).toBeNull();
    expect(table.querySelector('th[rowspan="2"]')?.textContent).toBe('AA');
    expect(screen.getByText('-1.25').className).toContain('is-end');
    expect(screen.getByText('2 rows × 3 columns')).toBeTruthy();
    expect(screen.queryByText('carrier  mean  n')).toBeNull();
  });

  it('of thousands of rows is a table of its first ones, which says so', () => {
    const row = '<tr><td>1</td></tr>';
    const {
      frames: [frame]
    } = framesOf(
      `<table><thead><tr><th>n</th></tr></thead><tbody>${row.repeat(3_000)}</tbody></table>`
    );
    expect([frame?.body.length, frame?.moreRows]).toEqual([100, 2_900]);
  });

  it('of polars has its types below its names', () => {
    const html =
      '<div><small>shape: (1, 2)</small><table><thead><tr><th>a</th><th>b</th></tr><tr><td>i64</td><td>str</td></tr></thead>' +
      '<tbody><tr><td>7</td><td>&quot;x&quot;</td></tr></tbody></table></div>';
    const {
      frames: [frame]
    } = framesOf(html);
    expect(frame?.note).toBe('shape: (1, 2)');
    expect(frame?.head.map(cells => cells.map(({ text }) => text))).toEqual([
      ['a', 'b'],
      ['i64', 'str']
    ]);
    expect(frame?.body[0]?.map(({ text, end }) => [text, end])).toEqual([
      ['7', true],
      ['"x"', false]
    ]);
  });
});

/** The page of a job whose only cell put `data` out. */
function put(data: object): void {
  const path = '.mlinfra/jobs/7f3a/1/train.ipynb';
  const cells = [
    { cell_type: 'code', source: 'x', outputs: [{ output_type: 'display_data', data }] }
  ];
  const executedSince = async (): Promise<unknown> => ({
    path,
    content: { cells },
    modified_at: '',
    failed_cell: null
  });
  show(fakeWorkbench({ jobs: { executedSince } }), <Output job={{ ...JOB, output: path }} />);
}

const TABLE = '<table><tr><td>1.0</td></tr></table>';
const PROSE = `<div>${'A fitted estimator and what it was fitted with. '.repeat(20)}</div>`;

describe('markup with tables and much else', () => {
  it('is its text: the tables alone would say something else', async () => {
    put({ 'text/html': PROSE + TABLE, 'text/plain': 'LogisticRegression(C=1.0)' });
    expect(await screen.findByText('LogisticRegression(C=1.0)')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
  });

  it('is its tables, and says that there is more, where the text says nothing', async () => {
    put({ 'text/html': PROSE + TABLE, 'text/plain': '<IPython.core.display.HTML object>' });
    expect(await screen.findByRole('table')).toBeTruthy();
    expect(screen.getByText('The text around the tables is in the notebook')).toBeTruthy();
  });

  it('is its first tables when there are very many', async () => {
    put({ 'text/html': TABLE.repeat(300), 'text/plain': 'x' });
    expect(await screen.findAllByRole('table')).toHaveLength(20);
    expect(screen.getByText('280 more tables are in the notebook')).toBeTruthy();
  });
});

describe('a record that a job wrote', () => {
  const RECORD = { ref: 'run:1', kind: 'run', title: 'churn', record: {}, facts: { auc: '0.9' } };
  const MIME = 'application/vnd.mlinfra.v1+json';

  it('is a card', async () => {
    put({ [MIME]: RECORD, 'text/plain': 'Run churn' });
    expect(await screen.findByText('0.9')).toBeTruthy();
  });

  it.each([
    ['facts', { ...RECORD, facts: { auc: {} } }],
    ['rows', { ...RECORD, rows: [null] }],
    ['title', { ...RECORD, title: {} }],
    ['list', [RECORD]]
  ])('is its text when its %s has another form', async (_, record) => {
    put({ [MIME]: record, 'text/plain': 'Run churn' });
    expect(await screen.findByText('Run churn')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('that cannot be drawn leaves the rest of the page alone', async () => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const job = { id: '1', ref: 'job:1', name: 'x', state: 'running', progress_text: {} };
    put({ [MIME]: { ...RECORD, kind: 'job', record: job } });
    expect(await screen.findByRole('alert')).toBeTruthy();
    expect(screen.getByText('x')).toBeTruthy();
    jest.restoreAllMocks();
  });
});
