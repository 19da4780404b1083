import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Drive, type Contents } from '@jupyterlab/services';

import type { IClient } from '../api/client';
import { EXECUTED, isRecord, toDisk } from './paths';

/**
 * Executed notebooks, to read.
 *
 * They lie in the project's state, a hidden folder that Jupyter's own file service does not show;
 * the workbench gives them to whoever may see jobs. A job writes them as it likes, so none is
 * trusted: its HTML is cleaned and its scripts do not run, as in the file browser.
 */
export class ExecutedDrive extends Drive {
  constructor(private readonly _client: IClient) {
    super({ name: EXECUTED });
  }

  override async get(path: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    const { content, modified_at } = await this._client.jobs.executed(toDisk(path));
    return {
      name: PathExt.basename(path),
      path,
      type: 'notebook',
      writable: false,
      created: modified_at,
      last_modified: modified_at,
      mimetype: 'application/x-ipynb+json',
      format: options.content === false ? null : 'json',
      content: options.content === false ? null : untrusted(content)
    };
  }

  override listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A notebook whose cells do not say of themselves that they are trusted.
 *
 * Jupyter's file service says so of a notebook that its user signed, and of no other.
 */
export function untrusted(notebook: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (cell: unknown): unknown => {
    if (!isMapping(cell) || !isMapping(cell.metadata)) {
      return cell;
    }
    const metadata = { ...cell.metadata };
    delete metadata.trusted;
    return { ...cell, metadata };
  };
  return {
    ...notebook,
    ...(Array.isArray(notebook.cells) ? { cells: notebook.cells.map(plain) } : {})
  };
}

/**
 * Nobody runs cells of a record: no kernel, also when it comes back after a reload.
 *
 * Its session is never started: once it were, the manager of ipywidgets would ask for the kernel of
 * every notebook, and stumble.
 */
export function withoutKernel(context: NotebookPanel['context']): void {
  if (isRecord(context)) {
    const { sessionContext } = context;
    sessionContext.kernelPreference = {
      shouldStart: false,
      canStart: false,
      autoStartDefault: false
    };
    sessionContext.initialize = () => Promise.resolve(false);
    // The status bar has read by now that it begins, and nothing else would tell it that it does
    // not.
    Object.defineProperty(sessionContext, 'kernelDisplayStatus', { value: '' });
    (sessionContext.statusChanged as unknown as { emit: (status: string) => void }).emit('unknown');
  }
}
