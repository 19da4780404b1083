import type { CommandRegistry } from '@lumino/commands';
import { useCallback, useSyncExternalStore } from 'react';

import { useWorkbench } from './context';

/** Whether a command can be executed now. A button of it follows, as JupyterLab's own do. */
export function useEnabled(id: string): boolean {
  const { commands } = useWorkbench();
  const subscribe = useCallback(
    (changed: () => void) => {
      const slot = (
        _: CommandRegistry,
        { id: which, type }: CommandRegistry.ICommandChangedArgs
      ): void => {
        if (type === 'many-changed' || which === id) {
          changed();
        }
      };
      commands.commandChanged.connect(slot);
      return () => void commands.commandChanged.disconnect(slot);
    },
    [commands, id]
  );
  return useSyncExternalStore(subscribe, () => commands.isEnabled(id));
}

/** The call that opens a file of the project, by its path below it, and a notebook at a cell. */
export function useOpenFile(): (path: string, cell?: string) => void {
  const { commands } = useWorkbench();
  return (path, cell) =>
    void commands.execute('mlinfra:workbench-open-file', {
      path,
      ...(cell !== undefined && { cell })
    });
}
