import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, showErrorMessage } from '@jupyterlab/apputils';
import type { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';

import type { IProject } from '../api/types';
import { errorText } from '../components/explain';
import { failed } from '../components/confirm';
import { deployNotebook } from '../deployments/fromnotebook';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { EXECUTED, toLab, toProject, toTab } from './paths';
import { reveal } from './reveal';
import { placeOf } from './writer';

/** Goes between the paths of JupyterLab's file browser and those of the project. */
export class ProjectFiles {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _workbench: IWorkbench
  ) {}

  /** Open the submit form of a notebook that the file browser knows as `path`. */
  async submit(path: string): Promise<void> {
    const { open, trans } = this._workbench;
    await this._inProject(
      path,
      [
        trans.__('Run as Job'),
        trans.__('%1 lies outside the project, so its code cannot be taken along.', path)
      ],
      found => open(formatRef('submit', found))
    );
  }

  /** Open the form that deploys the version of a model that a notebook has made. */
  async deploy(path: string): Promise<void> {
    const { trans } = this._workbench;
    await this._inProject(
      path,
      [
        trans.__('Deploy This Notebook'),
        trans.__('%1 lies outside the project, so no model of it is known.', path)
      ],
      found => deployNotebook(this._workbench, found)
    );
  }

  /**
   * Open a file of the project, a notebook at a cell (its id, or `In[5]`), or an executed notebook
   * at the cell that failed.
   */
  async open(path: string, cell = ''): Promise<void> {
    const { client, trans } = this._workbench;
    try {
      const project = await this._project();
      const shown = toLab(path, project);
      if (path.split('/').some(part => part.startsWith('.'))) {
        const { failed_cell } = await client.jobs.executed(path);
        await this._openExecuted(path, failed_cell);
      } else if (shown === null) {
        throw new Error(
          trans.__(
            'The project lies in %1, outside the folder that JupyterLab was started in.',
            project.root
          )
        );
      } else {
        await this._app.serviceManager.contents.get(shown, { content: false });
        const panel: unknown = await this._app.commands.execute('docmanager:open', { path: shown });
        if (panel instanceof NotebookPanel && cell) {
          await this._reveal(panel, cell);
        }
      }
    } catch (error) {
      await showErrorMessage(
        trans.__('%1 cannot be opened', path),
        error instanceof Error ? error.message : String(error)
      );
    }
  }

  /** How JupyterLab names a file of the project; null when it does not show it. */
  async shown(path: string): Promise<string | null> {
    return toLab(path, await this._project());
  }

  /** Do something with a notebook of the project; another one is refused, with title and why. */
  private async _inProject(
    path: string,
    refusal: readonly [title: string, why: string],
    act: (found: string) => Promise<unknown>
  ): Promise<void> {
    const { trans } = this._workbench;
    const local = this._app.serviceManager.contents.localPath(path);
    try {
      const found = toProject(local, await this._project());
      await (found === null ? showErrorMessage(...refusal) : act(found));
    } catch (error) {
      failed(errorText(error, trans), trans);
    }
  }

  /** Bring a cell into sight; one that is there no longer is said to be so. */
  private async _reveal(panel: NotebookPanel, cell: string): Promise<void> {
    await panel.context.ready;
    const cells = [...(panel.content.model?.cells ?? [])].map(one => ({
      id: one.id,
      count: one.type === 'code' ? (one as ICodeCellModel).executionCount : null
    }));
    const index = placeOf(cell, cells);
    if (index >= 0) {
      await reveal(panel, index);
      panel.content.activate();
    } else {
      const { trans } = this._workbench;
      Notification.info(trans.__('The cell that wrote it is no longer in %1.', panel.context.path));
    }
  }

  private async _openExecuted(path: string, failed: number | null): Promise<void> {
    const panel: unknown = await this._app.commands.execute('docmanager:open', {
      path: `${EXECUTED}:${toTab(path)}`
    });
    if (panel instanceof NotebookPanel && failed !== null) {
      await reveal(panel, failed);
    }
  }

  /** Asked once, at the first use; after a failure again. */
  private _project(): Promise<IProject> {
    this._known ??= this._workbench.client.project();
    this._known.catch(() => (this._known = null));
    return this._known;
  }

  private _known: Promise<IProject> | null = null;
}
