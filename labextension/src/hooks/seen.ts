import { useEffect } from 'react';

import { useWorkbench } from './context';

/** Let commands know what the page knows of its object. */
export function useSeen(ref: string, item: object | undefined): void {
  const { seen } = useWorkbench();
  useEffect(() => {
    if (item) {
      seen.note(ref, item);
    }
  }, [seen, ref, item]);
}
