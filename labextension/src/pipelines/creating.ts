import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import type { IProject } from '../api/types';
import { errorText } from '../components/explain';
import { done, failed } from '../components/confirm';
import { formatRef } from '../refs';
import { chooseNotebooks } from '../notebook/choosing';
import { toLab, toProject } from '../notebook/paths';
import type { IWorkbench } from '../tokens';
import { changeText, stepOf, withStep } from './changes';

/** Makes pipelines of notebooks. Files are read and written by JupyterLab's own file service. */
export class Creator {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _workbench: IWorkbench,
    private readonly _browsers: IFileBrowserFactory | null
  ) {}

  /** Ask for notebooks first. */
  async choose(): Promise<void> {
    const paths = await chooseNotebooks(
      this._browsers,
      this._workbench.trans.__('Notebooks of the pipeline')
    );
    if (paths.length) {
      await this.create(paths);
    }
  }

  /** A file whose steps are these notebooks, open in the editor. */
  async create(paths: readonly string[]): Promise<void> {
    await this._try(async project => {
      const { client } = this._workbench;
      const proposal = await client.pipelines.propose(
        paths.map(path => this._inside(path, project))
      );
      const path = toLab(proposal.path, project) ?? proposal.path;
      const { contents } = this._app.serviceManager;
      await contents.save(path, { type: 'file', format: 'text', content: proposal.text });
      await this._app.commands.execute('docmanager:open', { path });
    });
  }

  /**
   * A notebook becomes a step of a pipeline that is chosen; its file is changed in the editor, and
   * saved by the user.
   */
  async addTo(path: string): Promise<void> {
    const { client, trans } = this._workbench;
    await this._try(async project => {
      const notebook = this._inside(path, project);
      const { items } = await client.pipelines.list({ limit: 500 });
      const fresh = trans.__('a new pipeline');
      const answer = await InputDialog.getItem({
        title: trans.__('Add %1 to', PathExt.basename(path)),
        items: [...items.map(item => item.name), fresh],
        okLabel: trans.__('Add')
      });
      const chosen = items.find(item => item.name === answer.value);
      if (!answer.button.accept) {
        return;
      }
      if (!chosen) {
        await this.create([path]);
        return;
      }
      const widget: unknown = await this._app.commands.execute('docmanager:open', {
        path: toLab(chosen.path, project) ?? chosen.path
      });
      if (widget instanceof DocumentWidget) {
        const { model, ready } =
          widget.context as DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;
        await ready;
        const step = await stepOf(client.pipelines, notebook, PathExt.dirname(chosen.path));
        const added = await changeText(
          model.sharedModel,
          text => withStep(client.pipelines, text, step),
          trans
        );
        done(trans.__('Step %1 is added; save the file to keep it.', added.name), trans);
      }
    });
  }

  async schedule(path: string): Promise<void> {
    await this._try(async project => {
      const notebook = this._inside(path, project);
      await this._app.commands.execute('mlinfra:schedules-create', { notebook });
    });
  }

  async runSelected(): Promise<void> {
    const item = this._browsers?.tracker.currentWidget?.selectedItems().next();
    if (item && !item.done) {
      const { path } = item.value;
      await this._try(async project => {
        const run = await this._workbench.client.pipelines.run(this._inside(path, project));
        await this._workbench.open(formatRef('pipeline', run.pipeline));
      });
    }
  }

  private _inside(path: string, project: IProject): string {
    const found = toProject(this._app.serviceManager.contents.localPath(path), project);
    if (found === null) {
      throw new Error(this._workbench.trans.__('%1 lies outside the project.', path));
    }
    return found;
  }

  private async _try(doing: (project: IProject) => Promise<void>): Promise<void> {
    try {
      await doing(await this._workbench.client.project());
    } catch (error) {
      failed(errorText(error, this._workbench.trans), this._workbench.trans);
    }
  }
}
