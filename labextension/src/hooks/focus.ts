import { type RefObject, useLayoutEffect, useRef } from 'react';

/**
 * A control that goes while it has the focus leaves it to `host`, so that the keys of the page go on
 * working. The call that is answered is told of each focus in `host`.
 */
export function useKeptFocus(host: RefObject<HTMLElement>): (event: { target: Element }) => void {
  const last = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (last.current && !last.current.isConnected) {
      last.current = null;
      if (document.activeElement === document.body) {
        host.current?.focus();
      }
    }
  });
  return ({ target }) => {
    last.current = target;
  };
}
