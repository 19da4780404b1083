import React, { useContext, useEffect, useMemo, useRef } from 'react';

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

const FrameContext = React.createContext<React.MutableRefObject<IFrameCode | null> | null>(null);

/** Give the keys `i`, `Shift i` and `c` of the surrounding page their code. */
export function useFrameCode(text: string, door: Door): void {
  const code = useContext(FrameContext);
  useEffect(() => {
    if (!code || !text) {
      return;
    }
    code.current = { text, door };
    return () => {
      code.current = null;
    };
  }, [code, text, door]);
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
  const act = useMemo(
    () => (event: React.KeyboardEvent) => {
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
    },
    [code]
  );
  return (
    <FrameContext.Provider value={own}>
      <div className={cx('frame', `is-${kind}`)} data-mlinfra-frame={kind} onKeyDown={act}>
        {children}
      </div>
    </FrameContext.Provider>
  );
}

/** A fault in drawing one panel or page stays in it, and says what it was. */
class Net extends React.Component<{ children: React.ReactNode }, { fault: unknown }> {
  override state = { fault: null };

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
