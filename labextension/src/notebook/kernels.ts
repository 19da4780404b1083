import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { Session } from '@jupyterlab/services';

import { confirm, done, failed } from '../components/confirm';
import type { IWorkbench } from '../tokens';

/**
 * The sessions whose notebook has this file name: the server that sees a kernel's process knows no
 * more of it.
 */
export const named = (sessions: Iterable<Session.IModel>, notebook: string): Session.IModel[] =>
  [...sessions].filter(({ path }) => PathExt.basename(path) === notebook);

/** Finds the kernels that hold a GPU, by the notebooks that they belong to. */
export class Kernels {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _workbench: IWorkbench
  ) {}

  /** Show the notebook of a kernel. */
  async show(notebook: string, pid: string): Promise<void> {
    const session = await this._find(notebook, pid);
    if (session) {
      await this._app.commands.execute('docmanager:open', { path: session.path });
    }
  }

  /** End the kernel of a notebook, after a question: its variables are lost. */
  async end(notebook: string, pid: string): Promise<void> {
    const { trans } = this._workbench;
    const session = await this._find(notebook, pid);
    const sure =
      session &&
      (await confirm({
        title: trans.__('Shut down the kernel of %1?', session.path),
        body: trans.__(
          'Its variables are lost, and its GPU is free. The notebook and its outputs stay.'
        ),
        action: trans.__('Shut Down'),
        trans
      }));
    if (sure) {
      await this._app.serviceManager.sessions.shutdown(session.id);
      done(trans.__('The kernel of %1 is shut down.', session.path), trans);
    }
  }

  /** The session of a name; if there are several, the user chooses. */
  private async _find(notebook: string, pid: string): Promise<Session.IModel | undefined> {
    const { trans } = this._workbench;
    const { sessions } = this._app.serviceManager;
    await sessions.refreshRunning();
    const found = named(sessions.running(), notebook);
    if (!found.length) {
      failed(
        trans.__(
          '%1 has no kernel in this JupyterLab: process %2 belongs to another one, or has ended.',
          notebook,
          pid
        ),
        trans
      );
    }
    if (found.length <= 1) {
      return found[0];
    }
    const answer = await InputDialog.getItem({
      title: trans.__('Several notebooks are called %1', notebook),
      label: trans.__('Which one?'),
      items: found.map(({ path }) => path)
    });
    return found.find(({ path }) => answer.button.accept && path === answer.value);
  }
}
