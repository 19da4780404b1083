import { DataModel } from '@lumino/datagrid';

import type { IColumn, IRowBlock } from '../api/types';
import { cell } from '../format';

export type FetchBlock = (start: number, count: number) => Promise<IRowBlock>;

interface IBlock {
  data: readonly (readonly unknown[])[];
}

const BLOCK = 500;
const KEPT = 64;
/** Milliseconds until a block that failed is asked for again. */
export const PAUSE = 3_000;
/** Blocks that are fetched at a time, and that wait meanwhile: more than any window shows. */
const AT_ONCE = 4;
const WAITING = 4;

/**
 * A grid model that fetches blocks of rows as they scroll into view; the oldest blocks are
 * forgotten. What was scrolled past while others were fetched is not asked for: the rows in sight
 * come next, however far the bar was dragged.
 */
export class RemoteTable extends DataModel {
  constructor(
    private readonly _columns: readonly IColumn[],
    private readonly _rows: number,
    private readonly _fetch: FetchBlock,
    private readonly _failed: (error: unknown) => void = () => undefined,
    private readonly _head: (name: string) => string = name => name
  ) {
    super();
  }

  override rowCount(region: DataModel.RowRegion): number {
    return region === 'body' ? this._rows : 1;
  }

  override columnCount(region: DataModel.ColumnRegion): number {
    return region === 'body' ? this._columns.length : 1;
  }

  override data(region: DataModel.CellRegion, row: number, column: number): string {
    switch (region) {
      case 'column-header':
        return this._head(this._columns[column]?.name ?? '');
      case 'row-header':
        return (row + 1).toLocaleString();
      case 'corner-header':
        return '#';
      case 'body':
        return this._cell(row, column);
    }
  }

  override metadata(_: DataModel.CellRegion, __: number, column: number): DataModel.Metadata {
    return { type: this._columns[column]?.type ?? 'str' };
  }

  private _cell(row: number, column: number): string {
    const index = Math.floor(row / BLOCK);
    const block = this._blocks.get(index);
    if (!block) {
      this._want(index);
      return '…';
    }
    return cell(block.data[column]?.[row - index * BLOCK]);
  }

  private _want(index: number): void {
    if (this._asked.has(index)) {
      return;
    }
    this._asked.add(index);
    this._waiting.push(index);
    this._begin();
    this._waiting.splice(0, this._waiting.length - WAITING).forEach(passed => {
      this._asked.delete(passed);
    });
  }

  /** Fetch the newest of what waits, as far as there is room. */
  private _begin(): void {
    while (this._fetched < AT_ONCE && !this._disposed) {
      const index = this._waiting.pop();
      if (index === undefined) {
        return;
      }
      this._fetched++;
      void this._load(index).finally(() => {
        this._fetched--;
        this._begin();
      });
    }
  }

  private async _load(index: number): Promise<void> {
    try {
      const block = await this._fetch(index * BLOCK, BLOCK);
      if (this._disposed) {
        return;
      }
      this._keep(index, block);
      this._asked.delete(index);
      this._repaint(index, block.shown);
    } catch (error) {
      if (this._disposed) {
        return;
      }
      this._failed(error);
      // Not at once: the grid asks again for what it paints, so a server that is down would be
      // asked without end.
      const timer = setTimeout(() => {
        this._timers.delete(timer);
        this._asked.delete(index);
        this._repaint(index, Math.min(BLOCK, this._rows - index * BLOCK));
      }, PAUSE);
      this._timers.add(timer);
    }
  }

  /** Nobody looks any more: nothing is asked again. */
  dispose(): void {
    this._disposed = true;
    this._timers.forEach(clearTimeout);
    this._timers.clear();
  }

  private _repaint(index: number, rowSpan: number): void {
    const place = {
      region: 'body',
      row: index * BLOCK,
      rowSpan,
      column: 0,
      columnSpan: this._columns.length
    } as const;
    this.emitChanged({ type: 'cells-changed', ...place });
  }

  private _keep(index: number, block: IBlock): void {
    this._blocks.set(index, block);
    for (const oldest of this._blocks.keys()) {
      if (this._blocks.size <= KEPT) {
        return;
      }
      this._blocks.delete(oldest); // a Map keeps the order of insertion
    }
  }

  private _disposed = false;
  private readonly _timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly _asked = new Set<number>();
  /** Asked for and not fetched yet, the oldest first. */
  private readonly _waiting: number[] = [];
  private _fetched = 0;
  private readonly _blocks = new Map<number, IBlock>();
}
