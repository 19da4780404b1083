import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import { asCell } from './cell';

/** References, as our own targets read them. */
export const REFS_MIME = 'application/vnd.mlinfra.refs+json';

const THRESHOLD = 5;

/**
 * The data of a drag. `text/plain` makes every code editor take it; no other `text/…` type may be
 * added, since an editor takes the first it finds, and no notebook cells, since the notebook would
 * then take the drop from the editor. It brings the import: where it will be dropped is not known,
 * and an import too many does no harm.
 */
export function mimeDataOf(refs: readonly string[], code: string): MimeData {
  const data = new MimeData();
  data.setData('text/plain', asCell(code, 'python'));
  data.setData(REFS_MIME, refs);
  return data;
}

function dragImage(label: string): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-mlinfra-drag-image';
  node.textContent = label;
  return node;
}

/**
 * Follow the mouse from a button press, and start a drag once it has moved far enough.
 *
 * dragged: the references, asked at the start; `pinned` when Shift is held, which means exact
 * versions. code: of the references. It is asked for when the button is pressed, so that it is
 * there when the drag starts; without code nothing is dragged.
 */
export function dragFrom(
  press: { clientX: number; clientY: number; button: number },
  dragged: (pinned: boolean) => readonly string[],
  label: string,
  code: (refs: readonly string[]) => Promise<string>
): void {
  if (press.button !== 0) {
    return;
  }
  void code(dragged(false)).catch(() => undefined);
  let held = true;
  const release = (): void => {
    held = false;
    document.removeEventListener('mousemove', move, true);
    document.removeEventListener('mouseup', release, true);
  };
  const start = async (x: number, y: number, pinned: boolean): Promise<void> => {
    const refs = dragged(pinned);
    const text = await code(refs).catch(() => '');
    document.removeEventListener('mouseup', release, true);
    if (!held || !text) {
      return; // let go before the code was there
    }
    const drag = new Drag({
      mimeData: mimeDataOf(refs, text),
      dragImage: dragImage(label),
      supportedActions: 'copy',
      proposedAction: 'copy'
    });
    await drag.start(x, y);
    drag.dispose();
  };
  const move = (event: MouseEvent): void => {
    if (
      Math.abs(event.clientX - press.clientX) < THRESHOLD &&
      Math.abs(event.clientY - press.clientY) < THRESHOLD
    ) {
      return;
    }
    document.removeEventListener('mousemove', move, true);
    event.preventDefault();
    document.getSelection()?.removeAllRanges();
    void start(event.clientX, event.clientY, event.shiftKey);
  };
  document.addEventListener('mousemove', move, true);
  document.addEventListener('mouseup', release, true);
}
