import type { Text } from '../code/insert';
import type { IWorkbench } from '../tokens';

/**
 * The workbench for what lies above everything else, where each way to another place first leaves
 * it.
 */
export function leaving(workbench: IWorkbench, leave: () => void): IWorkbench {
  const { code, open } = workbench;
  /** The code, once it is there: the notebook has been chosen by then. */
  const leaveWith = async (text: Text): Promise<string> => {
    const arrived = await text;
    if (arrived) {
      leave();
    }
    return arrived;
  };
  const own: Partial<IWorkbench> = {
    open: reference => {
      leave();
      return open(reference);
    },
    code: {
      insertBelow: (text, door) => code.insertBelow(leaveWith(text), door),
      insertAtCursor: (text, door) => code.insertAtCursor(leaveWith(text), door),
      focusNotebook: leave,
      copy: text => code.copy(text),
      cell: (text, door) => code.cell(text, door)
    }
  };
  return Object.assign(Object.create(workbench) as IWorkbench, own);
}
