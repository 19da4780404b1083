import React, { useContext } from 'react';

import type { IWorkbench } from '../tokens';

export const WorkbenchContext = React.createContext<IWorkbench | null>(null);

/** The services of the front end, for any component below a panel, a page or a card. */
export function useWorkbench(): IWorkbench {
  const workbench = useContext(WorkbenchContext);
  if (!workbench) {
    throw new Error('This component stands outside a workbench.');
  }
  return workbench;
}
