import { Dialog, Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IJob } from '../../api/types';
import { lines } from '../../components/sparkline';
import { StateBar, StateCells } from '../../components/strip';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { JobButtons } from '../actions';
import { requeueText } from '../verbs';
import { Compute, END_KERNEL, SHOW_KERNEL } from '../devices';
import { Elements, varied } from '../elements';
import JobPage from '../job';
import { Ends } from '../notify';
import { cellsOf, Output } from '../output';
import { linesOf } from '../resources';

const trans = nullTranslator.load('jupyter_mlinfra');
const number = (value: number): object => ({ value, basis: 'est', n: null, error: null });

const JOB = {
  id: '7f3a',
  ref: 'job:7f3a',
  name: 'train',
  state: 'running',
  reason: '',
  attempt: 1,
  labels: {},
  array: null,
  notebook: 'train.ipynb',
  held_by: '',
  priority: 50,
  elapsed_seconds: 30,
  checkpoints: '/p/.mlinfra/jobs/7f3a/checkpoints',
  progress_text: 'step 770',
  run: null
} as unknown as IJob;

describe('the strip of an array', () => {
  it('says the count of each state in words, what is over first', () => {
    show(
      fakeWorkbench(),
      <StateBar states={{ queued: 3, succeeded: 12, failed: 1, running: 0 }} label="elements" />
    );
    expect(screen.getByRole('group', { name: 'elements' }).textContent).toBe(
      '12 succeeded1 failed3 queued'
    );
  });

  it('is one tab stop; arrows move and a click opens', () => {
    const open = jest.fn();
    const cells = ['succeeded', 'failed', 'queued'].map((state, index) => ({
      id: `e${index}`,
      state,
      name: `s/${index}`
    }));
    show(fakeWorkbench(), <StateCells label="in order" cells={cells} onOpen={open} />);
    const buttons = screen.getAllByRole('button');
    expect(buttons.map(button => button.tabIndex)).toEqual([0, -1, -1]);
    act(() => buttons[0]!.focus());
    fireEvent.keyDown(buttons[0]!, { key: 'ArrowRight' });
    expect(document.activeElement).toBe(buttons[1]);
    expect(buttons[1]!.getAttribute('aria-label')).toBe('s/1: failed');
    fireEvent.keyDown(buttons[1]!, { key: 'End' });
    fireEvent.click(document.activeElement!);
    expect(open).toHaveBeenCalledWith('e2');
  });

  it('has columns only for parameters that differ', () => {
    const element = (parameters: object): IJob => ({ parameters }) as IJob;
    expect(varied([element({ depth: 4, day: 'x' }), element({ depth: 6, day: 'x' })])).toEqual([
      'depth'
    ]);
  });
});

it('the page of a job names its tab after the job, and leads to its notebook', async () => {
  const array = {
    ...JOB,
    state: 'succeeded',
    id: '7f3a99c1',
    name: 'flights/train',
    array: { size: 0, states: {} }
  };
  const job = {
    ...array,
    notebook: 'flights/train.ipynb',
    gpu_ids: [],
    gpus: 0,
    part_of: null,
    code: {}
  };
  const list = async (): Promise<object> => ({ items: [], shown: 0, total: 0, cursor: null });
  const fake = fakeWorkbench({ jobs: { show: async () => job, list } });
  const execute = jest.fn();
  fake.workbench.commands.addCommand('mlinfra:workbench-open-file', { describedBy: {}, execute });
  const onTitle = jest.fn();
  show(fake, <JobPage reference="job:7f3a99c1" name="7f3a99c1" onTitle={onTitle} />);
  fireEvent.click(await screen.findByText('flights/train.ipynb'));
  expect(execute).toHaveBeenCalledWith({ path: 'flights/train.ipynb' });
  expect(onTitle).toHaveBeenCalledWith('train 7f3a');
});

it('how far an element was is told while it runs', async () => {
  const progress = { value: 1, basis: 'est', n: null, error: null };
  const element = (index: number, state: string): object => ({
    ...JOB,
    ref: `job:e${index}`,
    name: `s/${index}`,
    index,
    state,
    progress,
    parameters: {}
  });
  const items = [element(0, 'succeeded'), element(1, 'running')];
  const list = async (): Promise<object> => ({ items, shown: 2, total: 2, cursor: null });
  const array = {
    ...JOB,
    array: { size: 2, states: { succeeded: 1, running: 1 } }
  } as unknown as IJob;
  show(fakeWorkbench({ jobs: { list } }), <Elements job={array} />);
  await screen.findByRole('grid', { name: 'Elements' });
  expect(
    [...document.querySelectorAll('tbody td:nth-child(3)')].map(({ textContent }) => textContent)
  ).toEqual(['–', '100 %']);
  expect(screen.getByText('progress').closest('th')?.textContent).toBe('progressest.');
});

it('every element of a large array is on some page', async () => {
  const list = jest.fn(
    async ({ cursor, limit = 0 }: { cursor?: string | null; limit?: number }) => {
      const first = Number(cursor ?? 0);
      const items = Array.from({ length: Math.min(limit, 10_000 - first) }, (_, place) => {
        const index = first + place;
        return {
          ...JOB,
          id: `e${index}`,
          ref: `job:e${index}`,
          name: `s/${index}`,
          index,
          state: 'succeeded',
          parameters: {}
        };
      });
      return { items, shown: items.length, total: 10_000, cursor: null };
    }
  );
  const array = {
    ...JOB,
    state: 'succeeded',
    array: { size: 10_000, states: { succeeded: 10_000 } }
  } as unknown as IJob;
  show(fakeWorkbench({ jobs: { list } }), <Elements job={array} />);
  expect(await screen.findByText('rows 1–200 of 10,000')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Last' }));
  expect(await screen.findByRole('button', { name: 's/9999: succeeded' })).toBeTruthy();
  expect(screen.queryByRole('button', { name: 's/0: succeeded' })).toBeNull();
  expect(list).toHaveBeenLastCalledWith(
    { array: '7f3a', limit: 200, cursor: '9800' },
    expect.anything()
  );
  const cells = [...document.querySelectorAll('tbody tr:last-child td')].map(
    cell => cell.innerHTML
  );
  expect(cells[0]).toContain('data-basis="exact"');
});

describe('what a job uses', () => {
  const point = (second: number, cpu: number, gpus: object[] = []): object => ({
    at: new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString(),
    cpu,
    memory_gib: 1 + second,
    gpus
  });

  it('is one line for each measure, those without a value left out', () => {
    const gpu = (load: number | null): object => ({ id: 'GPU-12ab', load, memory: null });
    const points = [
      point(0, 0.5, [gpu(0.2)]),
      point(5, 1.2, [gpu(null)]),
      point(10, 0.1, [gpu(0.9)])
    ];
    const found = linesOf({ cpus: 2, memory_limit_gib: 8, points } as never, { trans });
    expect(found.map(({ name, values }) => [name, values])).toEqual([
      ['GPU 0', [0.2, null, 0.9]],
      ['CPU, 2', [0.5, 1.2, 0.1]],
      ['Memory', [1, 6, 11]]
    ]);
    const memory = found.find(({ name }) => name === 'Memory');
    expect([0.00961, 0.5, 11.25].map(value => memory?.write(value))).toEqual([
      '9.84 MiB',
      '512 MiB',
      '11.3 GiB'
    ]);
  });

  it('is drawn with a gap where nothing is known', () => {
    const drawn = lines(
      [
        { x: 0, y: 0 },
        { x: 0.5, y: 1 },
        { x: 0.6, y: null },
        { x: 1, y: 2 }
      ],
      1
    );
    expect(drawn).toEqual(['M0 31L50 1', 'M100 1']);
  });
});

describe('the output of a notebook', () => {
  it('is text, tables and pictures; other markup is left out, and what a cell wrote in pieces is one text', () => {
    const cells = [
      { cell_type: 'markdown', source: 'x' },
      {
        cell_type: 'code',
        source: ['a\n', 'b'],
        outputs: [
          { output_type: 'stream', text: ['1\n'] },
          { output_type: 'stream', text: '2\n' },
          { output_type: 'display_data', data: { 'text/html': '<img src=x onerror=alert(1)>' } },
          {
            output_type: 'display_data',
            data: { 'image/png': 'AAAA\n', 'text/plain': '<Figure>' }
          },
          { output_type: 'error', traceback: ['\u001b[31mBoom\u001b[0m', 'line 2'] }
        ]
      },
      { cell_type: 'code', source: 'quiet', outputs: [] }
    ];
    expect(cellsOf({ cells })).toEqual([
      {
        index: 1,
        source: 'a\nb',
        more: 0,
        outputs: [
          { kind: 'text', text: '1\n2\n' },
          { kind: 'image', text: 'data:image/png;base64,AAAA' },
          { kind: 'error', text: '\u001b[31mBoom\u001b[0m\nline 2' }
        ]
      }
    ]);
  });
});

describe('the executed notebook of a running job', () => {
  it('is drawn though a traceback is one text, and of many outputs the last ones, at once', () => {
    const image = { output_type: 'display_data', data: { 'image/png': 'AA' } };
    const outputs = Array.from({ length: 20_000 }, (_, at) => [
      { output_type: 'stream', text: `${at}\n` },
      image
    ]).flat();
    const began = performance.now();
    const [first, last] = cellsOf({
      cells: [
        { cell_type: 'code', source: '', outputs: [{ output_type: 'error', traceback: 'Boom' }] },
        { cell_type: 'code', source: '', outputs }
      ]
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(first?.outputs).toEqual([{ kind: 'error', text: 'Boom' }]);
    expect([last?.more, last?.outputs.length]).toEqual([39_900, 100]);
    expect(last?.outputs[0]).toEqual({ kind: 'text', text: '19950\n' });
  });

  it('is sent only when it was written again', async () => {
    jest.useFakeTimers();
    const path = '.mlinfra/jobs/7f3a/1/train.ipynb';
    const cells = [
      { cell_type: 'code', source: 'x', outputs: [{ output_type: 'stream', text: 'seen' }] }
    ];
    const executedSince = jest.fn(async (_: string, since?: string) =>
      since
        ? null
        : { path, modified_at: '2026-01-01T00:00:00Z', content: { cells }, failed_cell: null }
    );
    show(fakeWorkbench({ jobs: { executedSince } }), <Output job={{ ...JOB, output: path }} />);
    await act(() => jest.advanceTimersByTimeAsync(12_000));
    expect(executedSince.mock.calls.map(([, since]) => since)).toEqual([
      undefined,
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z'
    ]);
    expect(screen.getByText('seen')).toBeTruthy();
    jest.useRealTimers();
  });
});

describe('the buttons of a job', () => {
  const names = (job: Partial<IJob>): (string | null)[] => {
    const fake = fakeWorkbench();
    const { unmount } = show(fake, <JobButtons job={{ ...JOB, ...job }} />);
    const found = screen.getAllByRole('button').map(button => button.textContent);
    unmount();
    return found;
  };

  it('are those of its state', () => {
    expect(names({})).toEqual(['Cancel', 'Requeue…', 'Attach', 'Clone…']);
    expect(names({ state: 'queued' })).toEqual(['Cancel', 'Hold', 'Clone…']);
    expect(names({ state: 'queued', held_by: 'bob' })).toEqual(['Cancel', 'Release', 'Clone…']);
    expect(names({ state: 'failed', backend: 'local' })).toEqual(['Requeue…', 'Attach', 'Clone…']);
    expect(names({ state: 'succeeded', backend: 'local' })).toEqual(['Attach', 'Clone…']);
    expect(names({ state: 'succeeded', backend: 'slurm' })).toEqual(['Clone…']);
    expect(names({ state: 'running', backend: 'slurm' })).toEqual([
      'Cancel',
      'Requeue…',
      'Attach',
      'Clone…'
    ]);
    expect(names({ state: 'cancelled', attempt: 0, backend: 'local' })).toEqual([
      'Requeue…',
      'Clone…'
    ]);
    expect(names({ array: { size: 3 } as never })).toEqual(['Cancel All', 'Requeue All…']);
  });

  it('name the newest run that the job recorded', async () => {
    const fake = fakeWorkbench({ experiments: { run: async () => ({ name: 'eager-owl' }) } });
    show(fake, <JobButtons job={{ ...JOB, run: '9f02aa' }} />);
    fireEvent.click(await screen.findByText('Open Run eager-owl'));
    await waitFor(() => expect(fake.open).toHaveBeenCalledWith('run:9f02aa'));
  });

  it('open the form of a clone, filled from the job', async () => {
    const fake = fakeWorkbench();
    show(fake, <JobButtons job={JOB} />);
    fireEvent.click(screen.getByText('Clone…'));
    await waitFor(() => expect(fake.open).toHaveBeenCalledWith('submit:train.ipynb@7f3a'));
  });

  it('ask before a requeue, with the folder of its checkpoints and how far it was', async () => {
    expect(requeueText(JOB, trans)).toContain('/p/.mlinfra/jobs/7f3a/checkpoints');
    expect(requeueText(JOB, trans)).toContain('step 770');
    expect(requeueText(JOB, trans)).toContain('attempt 2');
    const requeue = jest.fn(async () => JOB);
    const fake = fakeWorkbench({ jobs: { requeue, show: async () => JOB } });
    show(fake, <JobButtons job={{ ...JOB, state: 'failed' }} />);
    fireEvent.click(screen.getByText('Requeue…'));
    await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeTruthy());
    expect(requeue).not.toHaveBeenCalled();
    act(() => Dialog.flush());
    await waitFor(() =>
      expect(screen.getByText<HTMLButtonElement>('Requeue…').disabled).toBe(false)
    );
    expect(requeue).not.toHaveBeenCalled();
  });
});

describe('a GPU that a notebook holds', () => {
  it('names the notebook, with the ways to it and to the end of its kernel', () => {
    const fake = fakeWorkbench();
    const execute = jest.fn();
    const { commands } = fake.workbench;
    commands.addCommand(SHOW_KERNEL, {
      describedBy: {},
      execute: args => void execute('show', args.notebook)
    });
    commands.addCommand(END_KERNEL, {
      describedBy: {},
      execute: args => void execute('end', args.notebook)
    });
    const compute = {
      backend: 'local',
      devices: [
        {
          id: 'GPU-1',
          name: 'A100',
          holder: 'kernel eda.ipynb (pid 41)',
          load: number(0.09),
          memory: null
        }
      ],
      cpus: 4,
      cpus_used: 0,
      load: number(0),
      memory: number(0),
      disk: number(0)
    };
    show(fake, <Compute compute={compute as never} />);
    expect(screen.getByText('eda.ipynb')).toBeTruthy();
    fireEvent.click(screen.getByText('Go to'));
    fireEvent.click(screen.getByText('Shut Down…'));
    expect(execute.mock.calls).toEqual([
      ['show', 'eda.ipynb'],
      ['end', 'eda.ipynb']
    ]);
  });
});

describe('the end of a job that was submitted here', () => {
  const notified = (): { success: jest.SpyInstance; warning: jest.SpyInstance } => ({
    success: jest.spyOn(Notification, 'success').mockReturnValue(''),
    warning: jest.spyOn(Notification, 'warning').mockReturnValue('')
  });
  afterEach(() => jest.restoreAllMocks());
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn++) {
      await Promise.resolve();
    }
  };

  function waiting(
    job: Partial<IJob>,
    options = { isEnabled: () => true, inSight: () => false }
  ): { fake: IFake; ends: Ends; now: IJob } {
    const now = { ...JOB, ...job } as IJob & Record<string, unknown>;
    const fake = fakeWorkbench({ jobs: { show: async () => now } });
    return { fake, ends: new Ends(fake.workbench, options), now };
  }

  it('is told once, also after a reload', async () => {
    const { success } = notified();
    const { fake, ends, now } = waiting({});
    await ends.await('job:7f3a');
    expect(fake.kept.get('jobs:notify')).toEqual(['job:7f3a']);
    Object.assign(now, { state: 'succeeded', elapsed_seconds: 1084 });
    const reloaded = new Ends(fake.workbench, { isEnabled: () => true, inSight: () => false });
    await settle();
    expect(success).toHaveBeenCalledTimes(1);
    expect(success.mock.calls[0]?.[0]).toBe('train: succeeded after 18:04');
    expect(fake.kept.get('jobs:notify')).toEqual([]);
    expect(reloaded).toBeTruthy();
  });

  it('is told with its reason when it failed, and opens its page', async () => {
    const { warning } = notified();
    const { fake, ends, now } = waiting({});
    await ends.await('job:7f3a');
    Object.assign(now, { state: 'failed', reason: `Exit code 3. ${'x'.repeat(140)}` });
    fake.emit({ topic: 'job', ref: 'job:7f3a', data: { state: 'failed' } });
    await settle();
    expect(warning.mock.calls[0]?.[0]).toBe('train: failed after 30 s');
    const { actions } = warning.mock.calls[0]?.[1] as Notification.IOptions<null>;
    actions?.[1]?.callback(new MouseEvent('click'));
    await waitFor(() =>
      expect(document.querySelector('.jp-Dialog')?.textContent).toContain('Exit code 3.')
    );
    document.querySelector<HTMLElement>('.jp-Dialog .jp-mod-accept')?.click();
    await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeNull());
    (warning.mock.calls[0]?.[1] as Notification.IOptions<null>).actions?.[0]?.callback(
      new MouseEvent('click')
    );
    expect(fake.open).toHaveBeenCalledWith('job:7f3a');
  });

  it('is told when it came while an older answer was on its way', async () => {
    const { success } = notified();
    const { fake, ends, now } = waiting({});
    const answers: (() => void)[] = [];
    fake.workbench.client.jobs.show = () => {
      const answer = { ...now };
      return new Promise(resolve => answers.push(() => resolve(answer)));
    };
    void ends.await('job:7f3a');
    await settle();
    Object.assign(now, { state: 'succeeded' });
    fake.emit({ topic: 'job', ref: 'job:7f3a', data: { state: 'succeeded' } });
    answers[0]?.();
    await settle();
    answers[1]?.();
    await settle();
    expect(success).toHaveBeenCalledTimes(1);
  });

  it('is told though an answer was lost, or no event told of it', async () => {
    jest.useFakeTimers();
    const { success } = notified();
    const { fake, ends, now } = waiting({});
    await ends.await('job:7f3a');
    const answer = fake.workbench.client.jobs.show;
    let asked = 0;
    fake.workbench.client.jobs.show = async () => {
      asked += 1;
      throw new ApiError('unreachable', 'gone');
    };
    fake.emit({ topic: 'job', ref: 'job:7f3a', data: { state: 'succeeded' } });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(asked).toBe(2);
    await jest.advanceTimersByTimeAsync(600_000);
    expect(asked).toBeLessThan(20);
    Object.assign(now, { state: 'succeeded' });
    fake.workbench.client.jobs.show = answer;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(success).toHaveBeenCalledTimes(1);
    jest.useRealTimers();
  });

  it('is told though the server did not send the code of the message at first', async () => {
    jest.useFakeTimers();
    let asked = 0;
    jest.doMock('../ending', () => {
      asked += 1;
      if (asked === 1) {
        throw new Error('Loading chunk jobs failed.');
      }
      return jest.requireActual<object>('../ending');
    });
    const { success } = notified();
    const { fake, ends } = waiting({ state: 'succeeded' });
    await ends.await('job:7f3a');
    expect(fake.kept.get('jobs:notify')).toEqual(['job:7f3a']);
    await jest.advanceTimersByTimeAsync(60_000);
    expect([asked, success.mock.calls.length]).toEqual([2, 1]);
    expect(fake.kept.get('jobs:notify')).toEqual([]);
    jest.dontMock('../ending');
    jest.useRealTimers();
  });

  it('of an array is noticed by the end of its last element', async () => {
    const { warning } = notified();
    const { fake, ends, now } = waiting({ array: { size: 2 } as never });
    await ends.await('job:7f3a');
    Object.assign(now, { state: 'failed' });
    fake.emit({ topic: 'job', ref: 'job:e2', data: { state: 'failed' } });
    await settle();
    expect(warning).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['took less than ten seconds', { elapsed_seconds: 9 }, {}],
    ['is in sight', {}, { inSight: () => true }],
    ['is turned off', {}, { isEnabled: () => false }]
  ])('is not told when it %s', async (_, job, options) => {
    const { success } = notified();
    const { ends } = waiting(
      { state: 'succeeded', ...job },
      { isEnabled: () => true, inSight: () => false, ...options }
    );
    await ends.await('job:7f3a');
    expect(success).not.toHaveBeenCalled();
  });
});
