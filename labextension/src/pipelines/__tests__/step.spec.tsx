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
    const fake = fakeWorkbench({ pipelines: { edit } });
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
});
