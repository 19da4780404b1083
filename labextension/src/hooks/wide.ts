import { useCallback, useRef, useState } from 'react';

/** Whether an element is at least `width` pixels wide; the first part goes to its `ref`. */
export function useWide(width: number): [ref: (node: HTMLElement | null) => void, wide: boolean] {
  const [wide, setWide] = useState(false);
  const watching = useRef<ResizeObserver | null>(null);
  const ref = useCallback(
    (node: HTMLElement | null): void => {
      watching.current?.disconnect();
      watching.current = null;
      if (node) {
        watching.current = new ResizeObserver(() => setWide(node.clientWidth >= width));
        watching.current.observe(node);
      }
    },
    [width]
  );
  return [ref, wide];
}
