import type { IColumn, IColumnProfile, IGridBlock, IGridQuery } from '../../api/types';

/** Where the rows of a grid come from: a dataset, or a frame of a kernel. */
export interface IGridSource {
  /** Of these rows in this state: what is asked of it is kept under this name. */
  readonly id: string;
  readonly name: string;
  /** The columns of the rows, which a group does not have. */
  readonly columns: readonly IColumn[];
  readonly rows: (
    query: IGridQuery,
    start: number,
    count: number,
    signal?: AbortSignal
  ) => Promise<IGridBlock>;
  readonly shape: (
    query: IGridQuery,
    column: string,
    signal?: AbortSignal
  ) => Promise<IColumnProfile>;
  /** What is said below the rows. */
  readonly note?: string;
}
