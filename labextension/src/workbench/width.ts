import { SplitPanel, type Widget } from '@lumino/widgets';

import type { IMemory } from '../tokens';

/** Pixels that the panels are drawn for. */
const WIDTH = 308;
/** JupyterLab starts its side bars at their least width; above this someone chose a width. */
const LEAST = 260;
const KEY = 'side-bar-width';

function splitAround(widget: Widget): { split: SplitPanel; side: Widget } | null {
  for (let side: Widget = widget; side.parent; side = side.parent) {
    if (side.parent instanceof SplitPanel && side.parent.orientation === 'horizontal') {
      return { split: side.parent, side };
    }
  }
  return null;
}

/**
 * Give the side bar of a panel the width that its names need: once in a workspace, and only while
 * it has its least width.
 */
export async function widen(panel: Widget, memory: IMemory): Promise<void> {
  const place = splitAround(panel);
  if (!place || (await memory.read<boolean>(KEY))) {
    return;
  }
  memory.write(KEY, true);
  const { split, side } = place;
  const missing = WIDTH - side.node.offsetWidth;
  if (side.node.offsetWidth > LEAST || missing <= 0) {
    return;
  }
  const index = split.widgets.indexOf(side);
  const widths = split.widgets.map(widget => (widget.isHidden ? 0 : widget.node.offsetWidth));
  const widest = widths.indexOf(Math.max(...widths));
  split.setRelativeSizes(
    widths.map((width, at) => (at === index ? WIDTH : at === widest ? width - missing : width))
  );
}
