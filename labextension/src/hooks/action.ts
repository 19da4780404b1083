import { Notification } from '@jupyterlab/apputils';
import { useCallback, useState } from 'react';

import { asApiError } from '../api/errors';
import { explainError } from '../components/card';
import { useWorkbench } from './context';

export interface IActionState {
  busy: boolean;
  /** Do it once at a time; a failure is told in a notification with its three parts. Says whether it went well. */
  run: (doing: () => Promise<unknown>) => Promise<boolean>;
}

/** A change that the user asked for. */
export function useAction(): IActionState {
  const { trans } = useWorkbench();
  const [busy, setBusy] = useState(false);
  const run = useCallback(
    async (doing: () => Promise<unknown>): Promise<boolean> => {
      setBusy(true);
      try {
        await doing();
        return true;
      } catch (error) {
        const { what, why, fix } = explainError(asApiError(error), trans);
        Notification.error([what, why, fix].filter(Boolean).join('\n'), { autoClose: false });
        return false;
      } finally {
        setBusy(false);
      }
    },
    [trans]
  );
  return { busy, run };
}
