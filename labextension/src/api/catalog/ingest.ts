import { pathOf, type Request } from '../request';
import type { IExportedRows, IIngest, IInspection, IJob, IRegister } from '../types';

/** Files and tables that become datasets. */
export interface IIngestClient {
  /** What would be read; nothing is written. in_place: it is to be registered, not ingested. */
  inspect: (
    asked: Omit<IIngest, 'key'> & { readonly in_place?: boolean },
    signal?: AbortSignal
  ) => Promise<IInspection>;
  /** Read files or a table into a dataset: one commit, or nothing. */
  ingest: (asked: IIngest) => Promise<IJob>;
  /** Write the rows that did not fit to a new file of the project. */
  exportRows: (name: string, file: string) => Promise<IExportedRows>;
  /** Ingest them, once they are mended there. */
  mend: (name: string, file: string) => Promise<IJob>;
  /** Read files or a Delta table where they are. */
  register: (asked: IRegister) => Promise<IJob>;
}

export const ingestClient = (request: Request): IIngestClient => ({
  inspect: (asked, signal) => request('catalog/inspect', { body: { ...asked }, signal }),
  ingest: asked => request('catalog/ingest', { body: { ...asked } }),
  exportRows: (name, file) =>
    request(`catalog/datasets/${pathOf(name)}/mend/export`, { body: { file } }),
  mend: (name, file) => request(`catalog/datasets/${pathOf(name)}/mend`, { body: { file } }),
  register: asked => request('catalog/register', { body: { ...asked } })
});
