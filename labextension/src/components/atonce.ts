import type { DataGrid } from '@lumino/datagrid';

/** The part of a grid that is painted: its bounds, and the cells that lie in it or over its edges. */
interface IRegion {
  x: number;
  y: number;
  width: number;
  height: number;
  xMin: number;
  yMin: number;
  xMax: number;
  yMax: number;
}

/** What is replaced here; Lumino keeps it to itself. */
interface IPainted {
  readonly _buffer: HTMLCanvasElement;
  _drawCells: (region: IRegion) => void;
  _blitContent: (source: HTMLCanvasElement, ...place: readonly number[]) => void;
}

/**
 * Bring the cells of a region to the screen at once. Lumino does so cell by cell, and each time the
 * browser copies the whole canvas: without a graphics card a step of a scroll bar took a second.
 */
export function paintAtOnce(grid: DataGrid): void {
  const painted = grid as unknown as Partial<IPainted> & Pick<IPainted, '_buffer'>;
  const { _drawCells: drawCells, _blitContent: blit } = painted;
  if (!drawCells || !blit) {
    return; // another Lumino, which paints as it does
  }
  let drawing = false;
  painted._blitContent = (source, ...place) => {
    if (!drawing || source !== painted._buffer) {
      blit.call(grid as unknown as IPainted, source, ...place);
    }
  };
  painted._drawCells = region => {
    drawing = true;
    try {
      drawCells.call(grid as unknown as IPainted, region);
    } finally {
      drawing = false;
    }
    const [left, top] = [Math.max(region.x, region.xMin), Math.max(region.y, region.yMin)];
    const width = Math.min(region.x + region.width - 1, region.xMax) - left + 1;
    const height = Math.min(region.y + region.height - 1, region.yMax) - top + 1;
    if (width > 0 && height > 0) {
      painted._blitContent?.(painted._buffer, left, top, width, height, left, top);
    }
  };
}
