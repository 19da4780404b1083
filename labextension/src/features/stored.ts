import type { IViewDetail } from '../api/types';

/** Whether a source has its rows, so that something is known of them. */
export const isStored = ({ view, timestamp_column }: IViewDetail): boolean =>
  view.kind !== 'on_demand' && timestamp_column !== '';

/** Whether a join takes one of these rows; windows are computed from many. */
export const hasJoinedRows = (detail: IViewDetail): boolean =>
  isStored(detail) && detail.windows.length === 0;
