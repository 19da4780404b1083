import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';

/**
 * How long the sizes of cells must stay the same until they count as final: what is left to draw
 * waits for idle time.
 */
const QUIET_MS = 10_000;
const HANDS = ['wheel', 'pointerdown', 'keydown'];

/** Bring a cell into sight. */
export async function reveal(panel: NotebookPanel, index: number): Promise<void> {
  await Promise.all([panel.context.ready, panel.revealed]);
  const cell = panel.content.widgets[index];
  if (cell) {
    panel.content.activeCellIndex = index;
    await panel.content.scrollToCell(cell, 'center');
    hold(panel.content, index);
  }
}

/**
 * Keep a cell in sight until the user takes over, or the notebook has rested for a while.
 *
 * JupyterLab scrolls as soon as the cell is there. Most cells are still placeholders then, without
 * their heights: they are drawn one by one in idle time, and push the cell away. Only its mode
 * `full` scrolls back by itself.
 */
function hold(notebook: Notebook, index: number): void {
  let quiet: ReturnType<typeof setTimeout>;
  const sizes = new ResizeObserver(() => {
    clearTimeout(quiet);
    quiet = setTimeout(stop, QUIET_MS);
    // another scroll has been asked for meanwhile
    void notebook.scrollToItem(index, 'center').catch(() => undefined);
  });
  const stop = (): void => {
    sizes.disconnect();
    clearTimeout(quiet);
    HANDS.forEach(type => notebook.node.removeEventListener(type, stop, true));
  };
  HANDS.forEach(type => notebook.node.addEventListener(type, stop, true));
  notebook.disposed.connect(stop);
  sizes.observe(notebook.viewportNode);
}
