import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, renderHook, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IDraft } from '../../api/types';
import { type IFake, fakeWorkbench, framed, show } from '../../components/__tests__/workbench';
import { useDropped } from '../canvas';
import type { PipelineContext } from '../document';
import { type IText, isStale, useDraft, useText } from '../draft';

const wait = (ms: number): Promise<void> => act(() => jest.advanceTimersByTimeAsync(ms));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

interface IOnTextProps {
  source: string;
  text: IText;
}

function OnText({ source, text }: IOnTextProps): React.ReactElement {
  const draft = useDraft('a.mlpipeline.yaml', source);
  const drop = useDropped(text, draft, null, path => path);
  return (
    <button onClick={() => drop({ paths: [], refs: ['dataset:dropped'], step: 'train' })}>
      {isStale(draft) ? 'old' : draft.now?.name}
    </button>
  );
}

describe('the draft of a text', () => {
  let lost: boolean;
  let fake: IFake;
  const edit = jest.fn(async (text: string) => ({ text }));
  const draft = async (_path: string, name: string): Promise<IDraft> => {
    if (lost) {
      throw new ApiError('unreachable', 'No answer.');
    }
    return {
      name,
      path: '',
      graph: [{ name: 'train', inputs: [], outputs: [], after: [] }],
      fault: name === 'faulty' ? 'steps.train is no mapping' : null
    } as unknown as IDraft;
  };
  const text = {
    change: async (how: (text: string) => Promise<unknown>) => {
      await how('');
      return true;
    }
  } as unknown as IText;
  const drawn = (source: string): React.ReactElement => <OnText source={source} text={text} />;

  beforeEach(() => {
    lost = false;
    edit.mockClear();
    fake = fakeWorkbench({ pipelines: { draft, edit } });
  });

  it('is old until the text that there is now is answered, and nothing can be dropped on it', async () => {
    const { rerender } = show(fake, drawn('one'));
    await wait(10);
    fireEvent.click(screen.getByText('one'));
    await wait(0);
    expect(edit).toHaveBeenCalledTimes(1);
    rerender(framed(fake, drawn('two')));
    fireEvent.click(screen.getByText('old'));
    await wait(0);
    expect(edit).toHaveBeenCalledTimes(1);
    await wait(300);
    fireEvent.click(screen.getByText('two'));
    await wait(0);
    expect(edit).toHaveBeenCalledTimes(2);
  });

  it('that has a fault takes no drop: what is said of it depends on whether waiting helps', async () => {
    const notified = jest.spyOn(Notification, 'error').mockReturnValue('');
    const { rerender } = show(fake, drawn('one'));
    await wait(10);
    rerender(framed(fake, drawn('faulty')));
    fireEvent.click(screen.getByText('old'));
    await wait(1_000);
    fireEvent.click(screen.getByText('old'));
    rerender(framed(fake, drawn('two')));
    fireEvent.click(screen.getByText('old'));
    await wait(0);
    expect(edit).not.toHaveBeenCalled();
    expect(notified.mock.calls.map(([what]) => what)).toEqual([
      expect.stringContaining('wait a moment'),
      'The text has a fault. Nothing was changed: correct it, then drop again.',
      expect.stringContaining('wait a moment')
    ]);
    notified.mockRestore();
  });

  it('is asked again after a lost answer', async () => {
    const { rerender } = show(fake, drawn('one'));
    await wait(10);
    lost = true;
    rerender(framed(fake, drawn('two')));
    await wait(1_000);
    expect(screen.getByText('old')).toBeTruthy();
    lost = false;
    await wait(10_000);
    expect(screen.getByText('two')).toBeTruthy();
  });
});

it('Undo takes back the change that it speaks of, and nothing else', async () => {
  jest.useRealTimers();
  const notified = jest.spyOn(Notification, 'error').mockReturnValue('');
  let source = 'one';
  const undo = jest.fn();
  const signal = { connect: () => true, disconnect: () => true };
  const sharedModel = {
    getSource: () => source,
    updateSource: (_start: number, _end: number, value: string) => void (source += value),
    undo
  };
  const context = {
    model: { sharedModel, dirty: false, contentChanged: signal, stateChanged: signal }
  };
  const fake = fakeWorkbench();
  const { result } = renderHook(() => useText(context as unknown as PipelineContext), {
    wrapper: ({ children }: { children: React.ReactNode }) => framed(fake, <>{children}</>)
  });
  await act(async () => {
    await result.current.change(async () => ({ text: 'one two' }));
  });
  result.current.undo();
  expect(undo).toHaveBeenCalledTimes(1);
  source += ' three';
  result.current.undo();
  expect(undo).toHaveBeenCalledTimes(1);
  expect(notified).toHaveBeenCalledWith(
    expect.stringContaining('Nothing was undone'),
    expect.anything()
  );
});
