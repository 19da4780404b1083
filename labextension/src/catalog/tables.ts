import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';

/** The names of files with tables. */
export const TABLES =
  /\.((csv|tsv|txt|jsonl?|ndjson)(\.(gz|bz2|zstd?|lz4))?|zip|parquet|pq|arrows?|ipc|feather|xls[xmb]?|ods)$/i;

/** The files with tables that are selected in the file browser. */
export function selectedTables(browsers: IFileBrowserFactory | null): string[] {
  const items = browsers?.tracker.currentWidget?.selectedItems();
  return items
    ? [...items]
        .filter(item => item.type !== 'directory' && TABLES.test(item.path))
        .map(item => item.path)
    : [];
}
