import { fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { IStep } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IText } from '../draft';
import { readNeed, StepForm } from '../step';

const STEP: IStep = {
  name: 'train',
  notebook: 'train.ipynb',
  inputs: [],
  outputs: [],
  parameters: {},
  after: [],
  elements: [],
  gpus: 1,
  gpu_type: null,
  cpus: 4,
  memory_gib: 8,
  time_limit_minutes: null,
  retries: 0,
  backend: null,
  queue: null
};

describe('a need of a step', () => {
  it.each([
    ['gpus', '0.5', 0.5],
    ['gpus', '1.5', undefined],
    ['gpus', '-1', undefined],
    ['cpus', '0', undefined],
    ['cpus', '2', 2],
    ['memory_gib', '0', undefined],
    ['memory_gib', '1.5', 1.5],
    ['retries', '0', 0],
    ['retries', '1e999', undefined],
    ['time_limit_minutes', '', null],
    ['time_limit_minutes', '0.5', 0.5],
    ['queue', ' long ', 'long']
  ] as const)('%s of %j is %j', (key, text, value) => {
    expect(readNeed(key, text)).toBe(value);
  });
});

describe('the properties of a step', () => {
  it('write what is needed where the file has it, and take out what is emptied', async () => {
    const edit = jest.fn(async (before: string, at: readonly string[], value: unknown) => ({
      text: `${before}${at.join('.')}=${JSON.stringify(value)}\n`
    }));
    const backends = async (): Promise<object[]> => [{ name: 'slurm', usual: false }];
    const fake = fakeWorkbench({ pipelines: { edit }, jobs: { backends } });
    let written = '';
    const text = {
      busy: false,
      change: async (doing: (before: string) => Promise<{ text: string }>) => {
        written = (await doing('')).text;
        return true;
      }
    } as unknown as IText;
    const nothing = (): void => undefined;
    show(
      fake,
      <StepForm
        step={STEP}
        written=""
        path="a.mlpipeline.yaml"
        text={text}
        disabled={false}
        onRename={nothing}
        onClose={nothing}
      />
    );
    const type = (label: string, value: string): void =>
      void fireEvent.change(screen.getByLabelText(label), { target: { value } });
    expect(screen.getByLabelText<HTMLInputElement>('CPUs').value).toBe('4');
    type('CPUs', 'many');
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Apply' }).disabled).toBe(true);
    type('CPUs', '2');
    type('memory', '');
    type('retries', '3');
    await screen.findByRole('option', { name: 'slurm' });
    type('backend', 'slurm');
    fireEvent.click(screen.getByRole('button', { name: 'Apply' }));
    await waitFor(() => expect(written).not.toBe(''));
    expect(written.trim().split('\n').sort()).toEqual([
      'steps.train.resources.backend="slurm"',
      'steps.train.resources.cpus=2',
      'steps.train.resources.memory_gib=null',
      'steps.train.retries=3'
    ]);
  });

  it('takes parameters as the file has them, and says what is wrong as the server reads it', async () => {
    const editParameters = jest.fn(
      async (before: string, at: readonly string[], parameters: string) => {
        if (!parameters.includes(': ')) {
          const fault = {
            line: null,
            what: 'These are not parameters.',
            why: 'They read as one text.',
            fix: 'A space.'
          };
          return { text: before, fault };
        }
        return { text: `${before}${at.join('.')}=${parameters}` };
      }
    );
    let written = '';
    const text = {
      busy: false,
      change: async (doing: (before: string) => Promise<{ text: string }>) => {
        written = (await doing('')).text;
        return true;
      }
    } as unknown as IText;
    const nothing = (): void => undefined;
    const form = (
      <StepForm
        step={STEP}
        written="k: 5"
        disabled={false}
        onRename={nothing}
        onClose={nothing}
        {...{ text }}
        path="a"
      />
    );
    show(fakeWorkbench({ pipelines: { editParameters } }), form);
    const params = (): HTMLTextAreaElement => screen.getByLabelText<HTMLTextAreaElement>('params');
    const apply = (): HTMLButtonElement =>
      screen.getByRole<HTMLButtonElement>('button', { name: 'Apply' });
    expect(params().value).toBe('k: 5');
    fireEvent.change(params(), { target: { value: 'k:6' } });
    await screen.findByText('These are not parameters. They read as one text. A space.');
    expect(apply().disabled).toBe(true);
    fireEvent.change(params(), { target: { value: 'k: 6\nword: plane' } });
    await waitFor(() => expect(apply().disabled).toBe(false));
    fireEvent.click(apply());
    await waitFor(() => expect(written).toBe('steps.train.params=k: 6\nword: plane'));
  });

  it('stay as typed while the text that they made has a fault, and mend it', async () => {
    const edit = jest.fn(async (before: string, at: readonly string[], value: unknown) => ({
      text: `${before}${at.join('.')}=${JSON.stringify(value)}\n`
    }));
    const fake = fakeWorkbench({ pipelines: { edit } });
    const written: string[] = [];
    const text = {
      busy: false,
      change: async (doing: (before: string) => Promise<{ text: string }>) => {
        written.push((await doing('')).text);
        return true;
      }
    } as unknown as IText;
    const nothing = (): void => undefined;
    const form = (step: IStep, disabled: boolean): React.ReactElement => (
      <StepForm
        {...{ step, disabled, text }}
        written=""
        path="nc/a.mlpipeline.yaml"
        onRename={nothing}
        onClose={nothing}
      />
    );
    const STEP_OUT = { ...STEP, notebook: 'nc/train.ipynb', outputs: ['nc/model-{{ depth }}.txt'] };
    const Stand = (): React.ReactElement => {
      const [step, setStep] = React.useState(STEP_OUT);
      const [stale, setStale] = React.useState(false);
      return (
        <>
          {form(step, stale)}
          <button onClick={() => setStale(true)}>fault</button>
          <button
            onClick={() => {
              setStale(false);
              setStep({ ...STEP_OUT, outputs: ['nc/b.txt'] });
            }}
          >
            whole
          </button>
        </>
      );
    };
    const press = (name: string): void =>
      void fireEvent.click(screen.getByRole('button', { name }));
    const makes = (): HTMLTextAreaElement => screen.getByLabelText<HTMLTextAreaElement>('makes');
    const apply = (): HTMLButtonElement =>
      screen.getByRole<HTMLButtonElement>('button', { name: 'Apply' });
    show(fake, <Stand />);
    expect(makes().value).toBe('model-{{ depth }}.txt');
    fireEvent.change(makes(), { target: { value: 'model-{{ dpeth }}.txt' } });
    press('fault');
    expect(apply().disabled).toBe(true); // the fault is not of this form
    press('whole');
    fireEvent.change(makes(), { target: { value: 'model-{{ dpeth }}.txt' } });
    (text as { change: unknown }).change = async (
      doing: (before: string) => Promise<{ text: string }>
    ) => {
      written.push((await doing('')).text);
      press('fault');
      return true;
    };
    press('Apply');
    await waitFor(() => expect(written).toEqual(['steps.train.out=["model-{{ dpeth }}.txt"]\n']));
    expect(makes().value).toBe('model-{{ dpeth }}.txt');
    fireEvent.change(makes(), { target: { value: 'b.txt' } });
    await waitFor(() => expect(apply().disabled).toBe(false));
    press('Apply');
    await waitFor(() => expect(written[1]).toBe('steps.train.out=["b.txt"]\n'));
    press('whole');
    expect(makes().value).toBe('b.txt');
    expect(apply().disabled).toBe(true);
  });
});
