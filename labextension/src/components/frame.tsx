import React, { useCallback, useContext, useEffect, useMemo, useRef } from 'react';

import { asApiError } from '../api/errors';
import type { Door } from '../code/cell';
import { useWorkbench, WorkbenchContext } from '../hooks/context';
import { type IVisibility, VisibilityContext } from '../hooks/visible';
import type { IWorkbench } from '../tokens';
import { ErrorCard } from './card';
import { cx } from './cx';
import { keyName, rowAction } from './keyboard';
import { type KeyPress, setKeys, TYPING } from './keyed';
import { type IPageKey, showKeys } from './keyhelp';

interface IFrameCode {
  text: string;
  door: Door;
}

interface IFrameKeys {
  code: (code: IFrameCode | null) => void;
  /** Take a key of the page in; the call that is answered takes it out. */
  add: (key: IPageKey) => () => void;
}

const FrameContext = React.createContext<IFrameKeys | null>(null);

/** Give the keys `i`, `Shift i` and `c` of the surrounding page their code. */
export function useFrameCode(text: string, door: Door): void {
  const frame = useContext(FrameContext);
  useEffect(() => {
    if (!frame || !text) {
      return;
    }
    frame.code({ text, door });
    return () => frame.code(null);
  }, [frame, text, door]);
}

/** A key of the surrounding page while `when` holds; `?` tells of it. */
export function usePageKey(key: string, label: string, run: () => void, when = true): void {
  const frame = useContext(FrameContext);
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(
    () => (frame && when ? frame.add({ key, label, run: () => latest.current() }) : undefined),
    [frame, key, label, when]
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

function Keys({ kind, children }: { kind: string; children: React.ReactNode }): React.ReactElement {
  const workbench = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const own = useRef<IFrameCode | null>(null);
  const keys = useRef<readonly IPageKey[]>([]);
  const frame = useMemo<IFrameKeys>(
    () => ({
      code: next => {
        own.current = next;
      },
      add: key => {
        keys.current = [...keys.current, key];
        return () => {
          keys.current = keys.current.filter(other => other !== key);
        };
      }
    }),
    []
  );
  const help = useCallback(() => void showKeys(workbench, keys.current), [workbench]);
  const press = useCallback(
    (event: KeyPress): void => {
      const typing = event.target instanceof Element && event.target.closest(TYPING);
      if (
        !typing &&
        !event.defaultPrevented &&
        obey(workbench, event, own.current, keys.current, help)
      ) {
        event.preventDefault();
      }
    },
    [workbench, help]
  );
  useEffect(() => {
    if (host.current) {
      setKeys(host.current, { press, help });
    }
  }, [press, help]);
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

/** Do what a key means on this page; says whether it meant anything. */
function obey(
  { code }: IWorkbench,
  event: KeyPress,
  own: IFrameCode | null,
  keys: readonly IPageKey[],
  help: () => void
): boolean {
  const pressed = keyName(event);
  const found = [...keys].reverse().find(({ key }) => key === pressed);
  if (found) {
    found.run();
    return true;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) {
    return false;
  }
  if (event.key === '?') {
    help();
    return true;
  }
  switch (own && rowAction(event)) {
    case 'insert':
      void code.insertBelow(own?.text ?? '', own?.door);
      return true;
    case 'insert-at-cursor':
      void code.insertAtCursor(own?.text ?? '', own?.door);
      return true;
    case 'copy':
      code.copy(own?.text ?? '');
      return true;
    default:
      return false;
  }
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
