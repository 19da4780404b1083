import type { Request } from '../request';
import type { IIngest, IInspection, IJob } from '../types';

/** Files that become datasets. */
export interface IIngestClient {
  /** What an ingest of files of the project would read; nothing is written. */
  inspect: (asked: IIngest, signal?: AbortSignal) => Promise<IInspection>;
  /** Read files of the project into a dataset: one commit, or nothing. */
  ingest: (asked: IIngest) => Promise<IJob>;
}

export const ingestClient = (request: Request): IIngestClient => ({
  inspect: (asked, signal) => request('catalog/inspect', { body: { ...asked }, signal }),
  ingest: asked => request('catalog/ingest', { body: { ...asked } })
});
