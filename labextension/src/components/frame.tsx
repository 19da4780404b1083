import React, { useCallback, useContext, useEffect, useMemo, useRef } from 'react';

import { asApiError } from '../api/errors';
import type { Door } from '../code/cell';
import { enter, type IFrameCode } from '../frames';
import { useWorkbench, WorkbenchContext } from '../hooks/context';
import { type IVisibility, VisibilityContext } from '../hooks/visible';
import type { IWorkbench } from '../tokens';
import { ErrorCard } from './card';
import { cx } from './cx';
import { TYPING } from './keyed';
import { showKeys } from './keyhelp';

interface IFrameEntry {
  /** Take its code; the call that is answered ends that, unless another one has come since. */
  code: (code: IFrameCode) => () => void;
  /** Do something for a command while it is drawn; the call that is answered ends that. */
  add: (id: string, run: () => void) => () => void;
}

const FrameContext = React.createContext<IFrameEntry | null>(null);

/** Give the commands that insert and copy code that of the surrounding page. */
export function useFrameCode(text: string, door: Door): void {
  const frame = useContext(FrameContext);
  useEffect(() => (frame && text ? frame.code({ text, door }) : undefined), [frame, text, door]);
}

/** What a command does in the surrounding page, while `when` holds; its key is in the schema. */
export function usePageVerb(id: string, run: () => void, when = true): void {
  const frame = useContext(FrameContext);
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(
    () => (frame && when ? frame.add(id, () => latest.current()) : undefined),
    [frame, id, when]
  );
}

interface IFrameProps {
  workbench: IWorkbench;
  visibility: IVisibility;
  kind: 'panel' | 'page' | 'output';
  children: React.ReactNode;
}

/**
 * What surrounds a panel, a page or a card in an output: services, visibility, keys, and a net
 * under faults of our own.
 */
export function Frame({ workbench, visibility, kind, children }: IFrameProps): React.ReactElement {
  return (
    <WorkbenchContext.Provider value={workbench}>
      <VisibilityContext.Provider value={visibility}>
        <Keys kind={kind}>
          <Net>{children}</Net>
        </Keys>
      </VisibilityContext.Provider>
    </WorkbenchContext.Provider>
  );
}

/** Lets commands find the frame, and shows its keys. */
function Keys({ kind, children }: { kind: string; children: React.ReactNode }): React.ReactElement {
  const workbench = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const own = useRef<IFrameCode | null>(null);
  const verbs = useRef<readonly (readonly [id: string, run: () => void])[]>([]);
  const frame = useMemo<IFrameEntry>(
    () => ({
      code: next => {
        own.current = next;
        return () => {
          own.current = own.current === next ? null : own.current;
        };
      },
      add: (id, run) => {
        const verb = [id, run] as const;
        verbs.current = [verb, ...verbs.current];
        return () => {
          verbs.current = verbs.current.filter(other => other !== verb);
        };
      }
    }),
    []
  );
  const help = useCallback(() => {
    if (host.current) {
      void showKeys(workbench, host.current);
    }
  }, [workbench]);
  useEffect(() => {
    if (host.current) {
      enter(host.current, {
        workbench,
        code: () => own.current,
        // the newest counts: a step that is chosen, and not the pipeline around it
        verb: id => verbs.current.find(([name]) => name === id)?.[1],
        help
      });
    }
  }, [workbench, help]);
  // By the sign and not by a shortcut: on each layout they are other keys.
  const press = (event: React.KeyboardEvent): void => {
    const typing = event.target instanceof Element && event.target.closest(TYPING);
    if (typing || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const box = host.current?.querySelector<HTMLElement>('input[type="search"]');
    if (event.key === '?') {
      event.preventDefault();
      help();
    } else if (event.key === '/' && box) {
      event.preventDefault();
      box.focus();
    }
  };
  return (
    <FrameContext.Provider value={frame}>
      <div
        ref={host}
        className={cx('frame', `is-${kind}`)}
        data-mlinfra-frame={kind}
        onKeyDown={press}
      >
        {children}
      </div>
    </FrameContext.Provider>
  );
}

interface INetState {
  fault: unknown;
}

/** A fault in drawing one panel, page or card stays in it, and says what it was. */
export class Net extends React.Component<{ children: React.ReactNode }, INetState> {
  override state: INetState = { fault: null };

  static getDerivedStateFromError(fault: unknown): { fault: unknown } {
    return { fault };
  }

  override render(): React.ReactNode {
    if (this.state.fault !== null) {
      return (
        <ErrorCard
          error={asApiError(this.state.fault)}
          retry={() => this.setState({ fault: null })}
        />
      );
    }
    return this.props.children;
  }
}
