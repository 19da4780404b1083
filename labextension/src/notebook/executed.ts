import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Drive, type Contents } from '@jupyterlab/services';

import type { IClient } from '../api/client';

export const EXECUTED = 'mlinfra';

/**
 * Executed notebooks, to read.
 *
 * They lie in the project's state, a hidden folder that Jupyter's own file service does not show; the workbench gives them to whoever may see jobs.
 */
export class ExecutedDrive extends Drive {
  constructor(private readonly _client: IClient) {
    super({ name: EXECUTED });
  }

  override async get(path: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    const { content, modified_at } = await this._client.jobs.executed(path);
    return {
      name: PathExt.basename(path),
      path,
      type: 'notebook',
      writable: false,
      created: modified_at,
      last_modified: modified_at,
      mimetype: 'application/x-ipynb+json',
      format: options.content === false ? null : 'json',
      content: options.content === false ? null : content
    };
  }

  override listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }
}

/** Bring a cell into sight. */
export async function reveal(panel: NotebookPanel, index: number): Promise<void> {
  await Promise.all([panel.context.ready, panel.revealed]);
  const cell = panel.content.widgets[index];
  if (cell) {
    panel.content.activeCellIndex = index;
    await panel.content.scrollToCell(cell, 'center');
  }
}
