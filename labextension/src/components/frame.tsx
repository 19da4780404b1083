import React, { useCallback, useContext, useEffect, useRef } from 'react';

import { asApiError } from '../api/errors';
import type { Door } from '../code/cell';
import { useWorkbench, WorkbenchContext } from '../hooks/context';
import { type IVisibility, VisibilityContext } from '../hooks/visible';
import type { IWorkbench } from '../tokens';
import { ErrorCard } from './card';
import { cx } from './cx';
import { rowAction } from './keyboard';

interface IFrameCode {
  text: string;
  door: Door;
}

const FrameContext = React.createContext<((code: IFrameCode | null) => void) | null>(null);

/** Give the keys `i`, `Shift i` and `c` of the surrounding page their code. */
export function useFrameCode(text: string, door: Door): void {
  const tell = useContext(FrameContext);
  useEffect(() => {
    if (!tell || !text) {
      return;
    }
    tell({ text, door });
    return () => tell(null);
  }, [tell, text, door]);
}

interface IFrameProps {
  workbench: IWorkbench;
  visibility: IVisibility;
  kind: 'panel' | 'page' | 'output';
  children: React.ReactNode;
}

/** What surrounds a panel, a page or a card in an output: services, visibility, keys, and a net under faults of our own. */
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
  const { code } = useWorkbench();
  const own = useRef<IFrameCode | null>(null);
  const tell = useCallback((next: IFrameCode | null) => {
    own.current = next;
  }, []);
  const act = (event: React.KeyboardEvent): void => {
    const typing = (event.target as Element).closest('input, textarea, select, [contenteditable="true"]');
    if (typing || event.defaultPrevented || !own.current) {
      return;
    }
    const { text, door } = own.current;
    const action = rowAction(event);
    if (action === 'insert') {
      void code.insertBelow(text, door);
    } else if (action === 'insert-at-cursor') {
      void code.insertAtCursor(text, door);
    } else if (action === 'copy') {
      code.copy(text);
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <FrameContext.Provider value={tell}>
      <div className={cx('frame', `is-${kind}`)} data-mlinfra-frame={kind} onKeyDown={act}>
        {children}
      </div>
    </FrameContext.Provider>
  );
}

interface INetState {
  fault: unknown;
}

/** A fault in drawing one panel or page stays in it, and says what it was. */
class Net extends React.Component<{ children: React.ReactNode }, INetState> {
  override state: INetState = { fault: null };

  static getDerivedStateFromError(fault: unknown): { fault: unknown } {
    return { fault };
  }

  override render(): React.ReactNode {
    if (this.state.fault !== null) {
      return <ErrorCard error={asApiError(this.state.fault)} retry={() => this.setState({ fault: null })} />;
    }
    return this.props.children;
  }
}
