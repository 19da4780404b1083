import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { Notification } from '@jupyterlab/apputils';
import React from 'react';

import type { IJob, IJobSpec, IParameter } from '../../api/types';
import {
  fakeWorkbench,
  framed,
  type IFake,
  madeUp,
  show
} from '../../components/__tests__/workbench';
import { PageContext } from '../../hooks/page';
import SubmitPage from '../submit';

/** A notebook that can be edited while its form is open. */
const notebook = (depth: number): { cell: IParameter[]; sent: IJobSpec[]; fake: IFake } => {
  const found = {
    cell: [
      { name: 'depth', type: 'int', default: depth },
      { name: 'word', type: 'str', default: 'plane' }
    ] as IParameter[],
    sent: [] as IJobSpec[]
  };
  const jobs = {
    parameters: async () => [...found.cell],
    submit: async (spec: IJobSpec) => {
      found.sent.push(spec);
      return { ref: 'job:7f3a' };
    }
  };
  return Object.assign(found, { fake: fakeWorkbench({ jobs }) });
};

const page = (again = 0): React.ReactElement => (
  <SubmitPage reference="submit:a.ipynb" name="a.ipynb" again={again} />
);
const field = (label: RegExp): HTMLInputElement => screen.getByLabelText(label);
const submit = (): void => void fireEvent.click(screen.getByRole('button', { name: 'Submit Job' }));

describe('the form of a notebook that changes', () => {
  it('shows the new defaults and keeps what was filled in when it is seen again', async () => {
    const { cell, sent, fake } = notebook(6);
    show(fake, page());
    await screen.findByLabelText(/^depth/);
    fireEvent.change(field(/^word/), { target: { value: 'winter' } });
    act(() => void (fake.visibility.shown = false));
    cell[0] = { ...cell[0]!, default: 8 };
    act(() => void (fake.visibility.shown = true));
    await waitFor(() => expect(field(/^depth/).value).toBe('8'));
    expect(field(/^word/).value).toBe('winter');
    submit();
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ notebook: 'a.ipynb', parameters: { word: 'winter' } });
  });

  it('shows the new defaults when it is asked for again while it is in sight', async () => {
    const { cell, fake } = notebook(6);
    const { rerender } = show(fake, page());
    await screen.findByLabelText(/^depth/);
    cell[0] = { ...cell[0]!, default: 8 };
    rerender(framed(fake, page(1)));
    await waitFor(() => expect(field(/^depth/).value).toBe('8'));
  });

  it('closes once it is submitted, and stays when nothing was', async () => {
    const { cell, fake } = notebook(6);
    const close = jest.fn();
    show(
      fake,
      <PageContext.Provider value={{ target: '', turn: 0, arrive: () => null, close }}>
        {page()}
      </PageContext.Provider>
    );
    await screen.findByLabelText(/^depth/);
    cell[0] = { ...cell[0]!, default: 8 };
    submit();
    await waitFor(() => expect(field(/^depth/).value).toBe('8'));
    expect(close).not.toHaveBeenCalled();
    submit();
    await waitFor(() => expect(close).toHaveBeenCalledTimes(1));
    expect(fake.open).toHaveBeenCalledWith('job:7f3a');
  });

  it('submits nothing but what it shows', async () => {
    const notified = jest.spyOn(Notification, 'error');
    const { cell, sent, fake } = notebook(6);
    show(fake, page());
    await screen.findByLabelText(/^depth/);
    fireEvent.change(field(/^depth/), { target: { value: '7' } });
    fireEvent.change(field(/^depth/), { target: { value: '6' } });
    cell[0] = { ...cell[0]!, default: 8 };
    cell.push({ name: 'late', type: 'int', default: 1 });
    submit();
    await screen.findByLabelText(/^late/);
    expect(sent).toEqual([]);
    expect(notified.mock.calls[0]?.[0]).toBe('Nothing was submitted.');
    expect(notified.mock.calls[0]?.[1]).toMatchObject({ actions: [{ label: 'Details' }] });
    expect(field(/^depth/).value).toBe('6'); // filled in by hand, and no default any more
    submit();
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.parameters).toEqual({ depth: 6 });
  });
});

describe('the form of a cloned command', () => {
  const JOB = {
    id: '7f3a',
    ref: 'job:7f3a',
    name: 'etl',
    notebook: null,
    command: ['python', '-c', 'print(1)\nprint(2)'],
    parameters: {},
    labels: {},
    array: null,
    cpus: 1,
    gpus: 0,
    gpu_type: null,
    memory_gib: 4,
    time_limit_minutes: null,
    priority: 50,
    retries: 0,
    backend: 'local',
    queue: null,
    snapshot: null
  } as unknown as IJob;

  it('has its needs alone, tells what it would meet, and sends what differs', async () => {
    const sent: unknown[] = [];
    const asked: unknown[] = [];
    const jobs = {
      show: async () => JOB,
      list: async () => ({ items: [], shown: 0, total: 0, cursor: null }),
      estimate: async (needs: unknown) => {
        asked.push(needs);
        return { starts_at: null, seconds: null, like: 0, cost: null, refused: '' };
      },
      clone: async (id: string, changes: unknown) => {
        sent.push([id, changes]);
        return { ref: 'job:77ab' };
      }
    };
    const fake = fakeWorkbench({ jobs });
    show(fake, <SubmitPage reference="submit:etl@7f3a" name="etl" />);
    await screen.findByLabelText(/^GPUs/);
    expect(screen.queryByRole('heading', { name: 'Parameters' })).toBeNull();
    fireEvent.change(field(/^GPUs/), { target: { value: '2' } });
    fireEvent.change(field(/^memory/), { target: { value: '' } });
    const changes = { gpus: 2, memory_gib: null };
    const values = { job: '7f3a', parameters: {}, changes, same_code: false };
    await waitFor(() =>
      expect(document.querySelector('[data-door]')?.textContent).toBe(
        madeUp({ call: 'jobs-clone', values })
      )
    );
    await waitFor(
      () => expect(asked[asked.length - 1]).toMatchObject({ command: JOB.command, gpus: 2 }),
      {
        timeout: 3_000
      }
    );
    submit();
    await waitFor(() =>
      expect(sent).toEqual([['7f3a', { needs: { gpus: 2, memory_gib: null }, same_code: false }]])
    );
    expect(fake.open).toHaveBeenCalledWith('job:77ab');
  });
});

describe('the fields of the form', () => {
  const estimate = async (): Promise<object> => ({
    starts_at: null,
    seconds: null,
    like: 0,
    cost: null,
    refused: ''
  });
  const lab = (parameters: object[], more: object = {}): { sent: IJobSpec[]; fake: IFake } => {
    const sent: IJobSpec[] = [];
    const jobs = {
      parameters: async () => parameters,
      estimate,
      backends: async () => [
        { name: 'local', usual: true },
        { name: 'slurm', usual: false }
      ],
      submit: async (spec: IJobSpec) => {
        sent.push(spec);
        return { ref: 'job:7f3a' };
      },
      ...more
    };
    return { sent, fake: fakeWorkbench({ jobs }) };
  };
  const choose = (label: RegExp, value: string): void =>
    void fireEvent.change(screen.getByRole('combobox', { name: label }), { target: { value } });

  it('true or false and the backend are chosen, not typed', async () => {
    const { sent, fake } = lab([
      { name: 'fast', type: 'bool', default: true },
      { name: 'deep', type: 'bool | None', default: null }
    ]);
    show(fake, page());
    const options = (label: RegExp): (string | null)[] =>
      [...screen.getByRole('combobox', { name: label }).children].map(
        ({ textContent }) => textContent
      );
    await screen.findByRole('combobox', { name: /^fast/ });
    await waitFor(() => expect(options(/^backend/)).toEqual(['as set (local)', 'local', 'slurm']));
    expect([options(/^fast/), options(/^deep/)]).toEqual([
      ['true', 'false'],
      ['true', 'false', 'None']
    ]);
    choose(/^fast/, 'false');
    choose(/^backend/, 'slurm');
    submit();
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ parameters: { fast: false }, backend: 'slurm' });
  });

  it('values of a sweep stand between commas, and what does not fit is told with an example', async () => {
    const { sent, fake } = lab([{ name: 'rate', type: 'float', default: 0.1 }]);
    show(fake, page());
    fireEvent.click(await screen.findByLabelText('sweep rate'));
    fireEvent.change(field(/^rate/), { target: { value: '0.1, x' } });
    expect(
      screen.getByText('Give one value or more, with commas between them: 0.1, 0.3')
    ).toBeTruthy();
    fireEvent.change(field(/^rate/), { target: { value: '0.1, 0.3' } });
    fireEvent.click(screen.getByRole('button', { name: 'Submit 2 Jobs' }));
    await waitFor(() => expect(sent[0]?.array).toEqual([{ rate: 0.1 }, { rate: 0.3 }]));
  });

  it('a notebook without parameters says how to get some', async () => {
    const { fake } = lab([]);
    show(fake, page());
    expect((await screen.findByText(/Mark as Parameters/)).textContent).toContain('right-click');
    expect(screen.getByRole('button', { name: 'Open Notebook' })).toBeTruthy();
  });

  it('what can never start is not submitted, until it could', async () => {
    const refused = 'The job asks for 9 GPUs. The local backend has 0.';
    const { sent, fake } = lab([], {
      estimate: async ({ gpus }: IJobSpec) => ({
        ...(await estimate()),
        refused: gpus === 9 ? refused : ''
      })
    });
    show(fake, page());
    const button = (): HTMLButtonElement => screen.getByRole('button', { name: 'Submit Job' });
    await screen.findByLabelText(/^GPUs/);
    fireEvent.change(field(/^GPUs/), { target: { value: '9' } });
    await waitFor(() => expect(button().disabled).toBe(true), { timeout: 3_000 });
    expect(button().title).toBe(refused);
    fireEvent.submit(document.querySelector('form')!); // Enter in a field
    fireEvent.change(field(/^GPUs/), { target: { value: '0' } });
    await waitFor(() => expect(button().disabled).toBe(false));
    submit();
    await waitFor(() => expect(sent.map(({ gpus }) => gpus)).toEqual([0]));
  });
});
