import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';

import type { IProject } from '../api/types';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { toLab, toProject } from './paths';

/** The reference of a submit form; a path may hold spaces, a reference may not. */
export const submitRef = (path: string): string => formatRef('submit', encodeURIComponent(path));

/** Goes between the paths of JupyterLab's file browser and those of the project. */
export class ProjectFiles {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _workbench: IWorkbench
  ) {}

  /** Open the submit form of a notebook that the file browser knows as `path`. */
  async submit(path: string): Promise<void> {
    const { trans } = this._workbench;
    const local = this._app.serviceManager.contents.localPath(path);
    const found = toProject(local, await this._project());
    if (found === null) {
      const why = trans.__('%1 lies outside the project, so its code cannot be taken along.', local);
      await showErrorMessage(trans.__('Run as Job'), why);
      return;
    }
    await this._workbench.open(submitRef(found));
  }

  /** Open a file of the project; one that the file service does not show is told of instead. */
  async open(path: string): Promise<void> {
    const shown = toLab(path, await this._project());
    try {
      await this._app.serviceManager.contents.get(shown, { content: false });
    } catch {
      await this._tellMissing(shown);
      return;
    }
    await this._app.commands.execute('docmanager:open', { path: shown });
  }

  private async _tellMissing(path: string): Promise<void> {
    const { trans } = this._workbench;
    const hidden = path.split('/').some(part => part.startsWith('.'));
    const why = hidden
      ? trans.__(
          'It lies in a hidden folder, which this Jupyter server does not show. Start it with --ContentsManager.allow_hidden=True to open it here.'
        )
      : trans.__('It is not there any more.');
    await showErrorMessage(trans.__('%1 cannot be opened', path), why);
  }

  /** Asked once, at the first use; after a failure again. */
  private _project(): Promise<IProject> {
    this._known ??= this._workbench.client.project();
    this._known.catch(() => (this._known = null));
    return this._known;
  }

  private _known: Promise<IProject> | null = null;
}
