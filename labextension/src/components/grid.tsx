import {
  BasicKeyHandler,
  BasicMouseHandler,
  BasicSelectionModel,
  type CellRenderer,
  DataGrid,
  type DataModel,
  type GraphicsContext,
  TextRenderer
} from '@lumino/datagrid';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import React, { useLayoutEffect, useRef } from 'react';

import { watchTheme } from '../hooks/theme';
import { paintAtOnce } from './atonce';
import { cx } from './cx';

const NUMERIC = /^([iuf]\d+|dec)/;
/** Pixels that a moment with its seconds and zone needs. */
const MOMENT = 164;

/** Text that stays in its cell, however high its letters are. */
class Text extends TextRenderer {
  override paint(gc: GraphicsContext, config: CellRenderer.CellConfig): void {
    gc.beginPath();
    gc.rect(config.x, config.y, config.width, config.height);
    gc.clip();
    super.paint(gc, config);
  }
}

function restyle(grid: DataGrid): void {
  const css = getComputedStyle(grid.node);
  const ink = (name: string): string => css.getPropertyValue(name).trim();
  grid.style = {
    ...DataGrid.defaultStyle,
    voidColor: ink('--jp-layout-color1'),
    backgroundColor: ink('--jp-layout-color1'),
    headerBackgroundColor: ink('--jp-layout-color1'),
    gridLineColor: ink('--ml-line'),
    headerGridLineColor: ink('--jp-border-color2'),
    selectionFillColor: ink('--ml-sel'),
    selectionBorderColor: ink('--jp-brand-color1'),
    cursorFillColor: ink('--ml-sel'),
    cursorBorderColor: ink('--jp-focus-outline-color')
  };
  const font = `12px ${ink('--jp-ui-font-family')}`;
  const ends = ({ metadata }: CellRenderer.CellConfig): 'right' | 'left' =>
    NUMERIC.test(String(metadata.type)) ? 'right' : 'left';
  const small = {
    font: `11px ${ink('--jp-ui-font-family')}`,
    textColor: ink('--ml-text-2'),
    elideDirection: 'right'
  } as const;
  const quiet = new Text(small);
  const body = new Text({
    font,
    elideDirection: 'right', // a number that is too wide must not lose its first digits
    textColor: ink('--ml-text'),
    horizontalAlignment: ends
  });
  grid.cellRenderers.update({
    body,
    'column-header': new Text({ ...small, horizontalAlignment: ends }),
    'row-header': quiet,
    'corner-header': quiet
  });
}

/** Moments are not cut off before their hour. */
function widen(grid: DataGrid, model: DataModel): void {
  for (let column = 0; column < model.columnCount('body'); column += 1) {
    if (String(model.metadata('body', 0, column).type).startsWith('ts')) {
      grid.resizeColumn('body', column, MOMENT);
    }
  }
}

/** Say which column was chosen by its heading or by a key; the call that is answered ends that. */
function hear(grid: DataGrid, choose: (column: number) => void): () => void {
  const press = (event: MouseEvent): void => {
    const hit = grid.hitTest(event.clientX, event.clientY);
    if (hit.region === 'column-header') {
      choose(hit.column);
    }
  };
  const key = (event: KeyboardEvent): void => {
    const column = grid.selectionModel?.cursorColumn ?? -1;
    if (event.key === 'Enter' && column >= 0) {
      event.preventDefault();
      event.stopPropagation();
      choose(column);
    }
  };
  grid.node.addEventListener('click', press);
  grid.node.addEventListener('keydown', key, true);
  return () => {
    grid.node.removeEventListener('click', press);
    grid.node.removeEventListener('keydown', key, true);
  };
}

interface IGridProps {
  model: DataModel;
  label: string;
  /** The row to go to; each new object goes there once. */
  goTo?: { row: number } | null;
  /** A heading was pressed, or Enter in a cell of its column. */
  onColumn?: (column: number) => void;
}

/**
 * A grid on a canvas, for more rows than a page should hold; it takes the keys of a spreadsheet.
 */
export function Grid({ model, label, goTo, onColumn }: IGridProps): React.ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const choose = useRef(onColumn);
  useLayoutEffect(() => {
    choose.current = onColumn;
  });
  const shown = useRef<DataGrid | null>(null);
  // Before the node leaves the page: a Lumino widget cannot be taken out of a node that is gone.
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const grid = new DataGrid({
      defaultSizes: { rowHeight: 24, columnWidth: 112, rowHeaderWidth: 72, columnHeaderHeight: 24 },
      stretchLastColumn: true
    });
    paintAtOnce(grid);
    grid.dataModel = model;
    grid.selectionModel = new BasicSelectionModel({ dataModel: model });
    grid.keyHandler = new BasicKeyHandler();
    grid.mouseHandler = new BasicMouseHandler();
    // a canvas has no cells to read: the page offers them as a table
    grid.node.setAttribute('role', 'group');
    grid.node.setAttribute('aria-label', label);
    shown.current = grid;
    const unheard = hear(grid, column => choose.current?.(column));
    Widget.attach(grid, node);
    restyle(grid);
    widen(grid, model);
    // `fit` alone would leave the scroll bars as for a grid without any room
    const resize = new ResizeObserver(() =>
      MessageLoop.sendMessage(grid, Widget.ResizeMessage.UnknownSize)
    );
    resize.observe(node);
    const leave = watchTheme(() => restyle(grid));
    return () => {
      resize.disconnect();
      leave();
      unheard();
      shown.current = null;
      grid.dispose();
    };
  }, [model, label]);
  useLayoutEffect(() => {
    const grid = shown.current;
    if (grid && goTo) {
      grid.scrollToRow(goTo.row);
      grid.selectionModel?.select({
        r1: goTo.row,
        c1: 0,
        r2: goTo.row,
        c2: model.columnCount('body') - 1,
        cursorRow: goTo.row,
        cursorColumn: 0,
        clear: 'all'
      });
    }
  }, [goTo, model]);
  return <div ref={host} className={cx('grid')} />;
}
