/** A notebook that wrote something, and the cell of it: its id, or `In[5]`. */
export interface ICellPlace {
  readonly path: string;
  readonly cell?: string;
}

const WRITER = /^notebook:(.+\.ipynb)(?:#(.+))?$/;

/** The notebook and the cell that a snapshot or an event names as its writer; null for others. */
export function cellOf(writer: string): ICellPlace | null {
  const [, path, cell] = WRITER.exec(writer) ?? [];
  return path === undefined ? null : { path, ...(cell !== undefined && { cell }) };
}

const COUNT = /^In\[(\d+)\]$/;

/** A cell, as far as it can be found again. */
export interface ICellSeen {
  readonly id: string;
  readonly count: number | null;
}

/** Where a cell stands by its id, or by the number of its last run; -1 if it is there no longer. */
export function placeOf(cell: string, cells: readonly ICellSeen[]): number {
  const count = Number(COUNT.exec(cell)?.[1] ?? NaN);
  return cells.findIndex(one => one.id === cell || one.count === count);
}
