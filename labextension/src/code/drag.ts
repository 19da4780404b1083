import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import { asCell } from './cell';

/** References, as our own targets read them. */
export const REFS_MIME = 'application/vnd.mlinfra.refs+json';

const THRESHOLD = 5;

/** Their code, a promise: it may be dropped before it is there. Only our own targets can wait. */
export const CODE_MIME = 'application/vnd.mlinfra.code';

/**
 * The data of a drag. `text/plain`, once the code is there, makes every code editor take it; no
 * other `text/…` type may be added, since an editor takes the first it finds, and no notebook
 * cells, since the notebook would then take the drop from the editor. It brings the import: where
 * it will be dropped is not known, and an import too many does no harm.
 */
export function mimeDataOf(refs: readonly string[], code: Promise<string>): MimeData {
  const data = new MimeData();
  data.setData(REFS_MIME, refs);
  data.setData(CODE_MIME, code);
  void code
    .then(text => text && data.setData('text/plain', asCell(text, 'python')))
    .catch(() => undefined);
  return data;
}

function dragImage(label: string): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-mlinfra-drag-image';
  node.textContent = label;
  return node;
}

/** Begin at once; when there turns out to be no code, it ends. */
function startDrag(
  { clientX, clientY }: MouseEvent,
  mimeData: MimeData,
  label: string,
  failed: (error: unknown) => void
): void {
  const drag = new Drag({
    mimeData,
    dragImage: dragImage(label),
    supportedActions: 'copy',
    proposedAction: 'copy'
  });
  void drag.start(clientX, clientY);
  void (mimeData.getData(CODE_MIME) as Promise<string>).then(
    text => text || drag.dispose(),
    (error: unknown) => {
      drag.dispose();
      failed(error);
    }
  );
}

/**
 * Follow the mouse from a button press, and start a drag once it has moved far enough.
 *
 * dragged: the references, asked at the start; `pinned` when Shift is held, which means exact
 * versions. code: of the references. It is asked for when the button is pressed; the drag does not
 * wait for it. failed: called with the reason if it does not come, once the drag has started.
 */
export function dragFrom(
  press: { clientX: number; clientY: number; button: number },
  dragged: (pinned: boolean) => readonly string[],
  label: string,
  code: (refs: readonly string[]) => Promise<string>,
  failed: (error: unknown) => void
): void {
  if (press.button !== 0) {
    return;
  }
  void code(dragged(false)).catch(() => undefined);
  const release = (): void => {
    document.removeEventListener('mousemove', move, true);
    document.removeEventListener('mouseup', release, true);
  };
  const move = (event: MouseEvent): void => {
    if (
      Math.abs(event.clientX - press.clientX) < THRESHOLD &&
      Math.abs(event.clientY - press.clientY) < THRESHOLD
    ) {
      return;
    }
    release();
    event.preventDefault();
    document.getSelection()?.removeAllRanges();
    const refs = dragged(event.shiftKey);
    startDrag(event, mimeDataOf(refs, code(refs)), label, failed);
  };
  document.addEventListener('mousemove', move, true);
  document.addEventListener('mouseup', release, true);
}
