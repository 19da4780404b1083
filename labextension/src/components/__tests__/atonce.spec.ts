import type { DataGrid } from '@lumino/datagrid';

import { paintAtOnce } from '../atonce';

it('cells of a region are copied at once, within its bounds; all else as it was', () => {
  const buffer = document.createElement('canvas');
  const canvas = document.createElement('canvas');
  const copied: unknown[] = [];
  const grid = {
    _buffer: buffer,
    _blitContent(source: HTMLCanvasElement, ...place: number[]) {
      copied.push([source === buffer ? 'buffer' : 'canvas', ...place]);
    },
    _drawCells({ x, y }: { x: number; y: number }) {
      for (let row = 0; row < 3; row += 1) {
        this._blitContent(buffer, x, y + 10 * row, 20, 10, x, y + 10 * row);
      }
    }
  };
  paintAtOnce(grid as unknown as DataGrid);
  grid._blitContent(canvas, 0, 0, 5, 5, 0, 5); // what scrolls
  const bounds = { xMin: 10, yMin: 5, xMax: 100, yMax: 24 };
  const region = { x: 10, y: 0, width: 20, height: 30, ...bounds };
  grid._drawCells(region);
  expect(copied).toEqual([
    ['canvas', 0, 0, 5, 5, 0, 5],
    ['buffer', 10, 5, 20, 20, 10, 5]
  ]);
});
