import React, { useContext, useSyncExternalStore } from 'react';

/** Whether a widget is in sight: shown by the shell, in a tab of the browser that is shown too. */
export interface IVisibility {
  readonly visible: boolean;
  readonly subscribe: (changed: () => void) => () => void;
}

/** The visibility of a widget whose owner says when it is shown and hidden. */
export class WidgetVisibility implements IVisibility {
  get visible(): boolean {
    return this._shown && document.visibilityState !== 'hidden';
  }

  set shown(shown: boolean) {
    if (shown !== this._shown) {
      this._shown = shown;
      this._tell();
    }
  }

  subscribe = (changed: () => void): (() => void) => {
    if (this._listeners.size === 0) {
      document.addEventListener('visibilitychange', this._tell);
    }
    this._listeners.add(changed);
    return () => {
      this._listeners.delete(changed);
      if (this._listeners.size === 0) {
        document.removeEventListener('visibilitychange', this._tell);
      }
    };
  };

  private _tell = (): void => {
    for (const listener of this._listeners) {
      listener();
    }
  };

  private _shown = false;
  private _listeners = new Set<() => void>();
}

const ALWAYS: IVisibility = { visible: true, subscribe: () => () => undefined };

export const VisibilityContext = React.createContext<IVisibility>(ALWAYS);

/**
 * Whether the surrounding panel or page is in sight; nothing is asked of the server while it is
 * not.
 */
export function useVisible(): boolean {
  const visibility = useContext(VisibilityContext);
  return useSyncExternalStore(visibility.subscribe, () => visibility.visible);
}
