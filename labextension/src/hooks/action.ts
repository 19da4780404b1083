import { useCallback, useRef, useState } from 'react';

import { errorText } from '../components/explain';
import { failed } from '../components/confirm';
import { useWorkbench } from './context';

export interface IActionState {
  busy: boolean;
  /**
   * Do it once at a time; a failure is shown in a notification with its three parts. Says whether
   * it went well.
   */
  run: (doing: () => Promise<unknown>) => Promise<boolean>;
}

/** A change that the user asked for. */
export function useAction(): IActionState {
  const { trans } = useWorkbench();
  const [busy, setBusy] = useState(false);
  const under = useRef(false);
  const run = useCallback(
    async (doing: () => Promise<unknown>): Promise<boolean> => {
      if (under.current) {
        return false; // a second press before the button has been drawn as disabled
      }
      under.current = true;
      setBusy(true);
      try {
        await doing();
        return true;
      } catch (error) {
        failed(errorText(error, trans), trans);
        return false;
      } finally {
        under.current = false;
        setBusy(false);
      }
    },
    [trans]
  );
  return { busy, run };
}
