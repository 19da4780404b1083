import type { IWorkbench } from '../tokens';

/**
 * The workbench for what lies above everything else, where each way to another place first leaves
 * it.
 */
export function leaving(workbench: IWorkbench, leave: () => void): IWorkbench {
  const first =
    <A extends unknown[], R>(act: (...given: A) => R) =>
    (...given: A): R => {
      leave();
      return act(...given);
    };
  const { code } = workbench;
  const own: Partial<IWorkbench> = {
    open: first(workbench.open),
    code: {
      insertBelow: first((text, door) => code.insertBelow(text, door)),
      insertAtCursor: first((text, door) => code.insertAtCursor(text, door)),
      focusNotebook: leave,
      copy: text => code.copy(text),
      cell: (text, door) => code.cell(text, door)
    }
  };
  return Object.assign(Object.create(workbench) as IWorkbench, own);
}
