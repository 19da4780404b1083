import '../../style/deployments.css';

import React, { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';

import type { INewKey } from '../api/types';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';

const NONE: readonly INewKey[] = [];

/**
 * Keys that were made and are not hidden yet, by the reference of their deployment: a key can come
 * while its page shows something else, or is not open, and nothing else holds it.
 */
class Shown {
  of(deployment: string): readonly INewKey[] {
    return this._made.get(deployment) ?? NONE;
  }

  add(deployment: string, made: INewKey): void {
    this._set(deployment, [...this.of(deployment), made]);
  }

  hide(deployment: string, made: INewKey): void {
    this._set(
      deployment,
      this.of(deployment).filter(item => item !== made)
    );
  }

  /**
   * The page is open until the call that is answered. Its keys stay: another deployment may take its
   * place before they are copied.
   */
  readonly open = (deployment: string): (() => void) => {
    this._open.push(deployment);
    return () => void this._open.splice(this._open.indexOf(deployment), 1);
  };

  isOpen(deployment: string): boolean {
    return this._open.includes(deployment);
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this._listeners.add(changed);
    return () => void this._listeners.delete(changed);
  };

  private _set(deployment: string, made: readonly INewKey[]): void {
    if (made.length) {
      this._made.set(deployment, made);
    } else {
      this._made.delete(deployment);
    }
    this._listeners.forEach(changed => changed());
  }

  private readonly _made = new Map<string, readonly INewKey[]>();
  private readonly _open: string[] = [];
  private readonly _listeners = new Set<() => void>();
}

export const shownKeys = new Shown();

/** The keys of a deployment that were just made, above all tabs of its page. */
export function MadeKeys({ deployment }: { deployment: string }): React.ReactElement {
  const made = useSyncExternalStore(
    shownKeys.subscribe,
    useCallback(() => shownKeys.of(deployment), [deployment])
  );
  useEffect(() => shownKeys.open(deployment), [deployment]);
  return (
    <>
      {made.map(item => (
        <Made key={item.id} made={item} onHide={() => shownKeys.hide(deployment, item)} />
      ))}
    </>
  );
}

/** A key that was just made: it is here and nowhere else. */
function Made({ made, onHide }: { made: INewKey; onHide: () => void }): React.ReactElement {
  const { code, trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const hide = (): void => {
    const frame = host.current?.closest('[data-mlinfra-frame]');
    onHide();
    frame?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  };
  return (
    <div ref={host} className={cx('deployments-made')} role="status">
      <State state="passed">
        {trans.__('The key of %1. Keep it now: it is not shown again.', made.name)}
      </State>
      <span className={cx('deployments-address')}>
        <code>{made.key}</code>
        <Button icon="copy" label={trans.__('Copy')} onClick={() => code.copy(made.key)} />
        <Button kind="quiet" label={trans.__('Hide')} onClick={hide} />
      </span>
      {made.pending && <span className={cx('quiet')}>{made.pending}</span>}
    </div>
  );
}
