import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IDraft } from '../api/types';
import { failed } from '../components/confirm';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useVisible } from '../hooks/visible';
import { changeText } from './changes';
import type { PipelineContext } from './document';

/** The text of an open file, and the way to change it; one change is one step of undo. */
export interface IText {
  text: string;
  dirty: boolean;
  busy: boolean;
  /**
   * Change the text as the server says; what was typed meanwhile is not overwritten. Says whether
   * it went well.
   */
  change: (how: (text: string) => Promise<{ readonly text: string }>) => Promise<boolean>;
  /** Take the last change back, unless there has been another since. */
  undo: () => void;
}

export function useText(context: PipelineContext): IText {
  const { model } = context;
  const { trans } = useWorkbench();
  const { run, busy } = useAction();
  const subscribe = useCallback(
    (changed: () => void) => {
      model.contentChanged.connect(changed);
      model.stateChanged.connect(changed);
      return () => {
        model.contentChanged.disconnect(changed);
        model.stateChanged.disconnect(changed);
      };
    },
    [model]
  );
  const text = useSyncExternalStore(subscribe, () => model.sharedModel.getSource());
  const dirty = useSyncExternalStore(subscribe, () => model.dirty);
  const made = useRef<string | null>(null);
  return {
    text,
    dirty,
    busy,
    change: how =>
      run(async () => {
        made.current = (await changeText(model.sharedModel, how, trans)).text;
      }),
    undo: () => {
      if (model.sharedModel.getSource() === made.current) {
        model.sharedModel.undo();
      } else {
        failed(trans.__('The text has changed since. Nothing was undone: undo it in Text.'), trans);
      }
    }
  };
}

export interface IDraftState {
  /** What the last valid text says. */
  good: IDraft | null;
  /** What the text says now: a draft with a fault, or null before the first answer. */
  now: IDraft | null;
  /** The server could not be asked. */
  error: ApiError | null;
  /** Whether `now` answers another text than the one that there is by now. */
  old: boolean;
}

const REST = 250;
const AGAIN = 3_000;

/** What a text says, asked whenever the typing rests for a quarter of a second. */
export function useDraft(path: string | null, text: string): IDraftState {
  const { client } = useWorkbench();
  const [state, setState] = useState<Omit<IDraftState, 'old'> & { of: string | null }>({
    good: null,
    now: null,
    error: null,
    of: null
  });
  const first = useRef(true);
  useEffect(() => {
    if (path === null) {
      return;
    }
    const request = new AbortController();
    const ask = (): void => {
      first.current = false;
      client.pipelines.draft(path, text, request.signal).then(
        now =>
          setState(({ good }) => ({ good: now.fault ? good : now, now, error: null, of: text })),
        (thrown: unknown) => {
          if (!request.signal.aborted) {
            const error = asApiError(thrown);
            setState(before => ({ ...before, error }));
            if (error.lost || error.status >= 500) {
              timer = setTimeout(ask, AGAIN);
            }
          }
        }
      );
    };
    let timer = setTimeout(ask, first.current ? 0 : REST);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [client, path, text]);
  return { ...state, old: state.of !== text };
}

/**
 * Whether the graph that is drawn is not that of the text. A file without steps is not whole, but
 * the first step can be added to it.
 */
export const isStale = ({ good, now, old }: IDraftState): boolean =>
  old || (Boolean(now?.fault) && good !== null);

const LOOK = 5_000;

/**
 * Whether the file on disk is another than the one that was opened or saved; looked at while it is
 * in sight.
 */
export function useChangedOnDisk(
  context: PipelineContext,
  modified: (path: string) => Promise<string>
): { changed: boolean; look: () => void } {
  const visible = useVisible();
  const [changed, setChanged] = useState(false);
  const look = useCallback((): void => {
    const lastModified = context.contentsModel?.last_modified;
    modified(context.path).then(
      found =>
        setChanged(
          lastModified !== undefined &&
            lastModified === context.contentsModel?.last_modified &&
            found !== lastModified
        ),
      () => setChanged(false) // it is gone, or the server does not answer: saving will say so
    );
  }, [context, modified]);
  useEffect(() => {
    if (!visible) {
      return;
    }
    look();
    const timer = setInterval(look, LOOK);
    context.fileChanged.connect(look);
    return () => {
      clearInterval(timer);
      context.fileChanged.disconnect(look);
    };
  }, [context, look, visible]);
  return { changed, look };
}
