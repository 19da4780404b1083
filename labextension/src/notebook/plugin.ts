import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';

import { acceptDrops } from '../code/drop';
import type { IProject } from '../api/types';
import { formatRef } from '../refs';
import { IWorkbench } from '../tokens';
import { toLab, toProject } from './paths';

/** The reference of a submit form; a path may hold spaces, a reference may not. */
export const submitRef = (path: string): string => formatRef('submit', encodeURIComponent(path));

export const notebook: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:notebook',
  description: 'Runs notebooks as jobs, and lets references be dropped between cells.',
  autoStart: true,
  requires: [IWorkbench, INotebookTracker],
  optional: [IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    tracker: INotebookTracker,
    browsers: IFileBrowserFactory | null
  ) => {
    const { trans } = workbench;
    acceptDrops(tracker);

    // Asked once, at the first use; a failure is asked again the next time.
    let known: Promise<IProject> | null = null;
    const project = (): Promise<IProject> => {
      known ??= workbench.client.project();
      known.catch(() => (known = null));
      return known;
    };
    /** Open the submit form of a notebook that the file browser knows as `path`. */
    const submit = async (path: string): Promise<void> => {
      const local = app.serviceManager.contents.localPath(path);
      const found = toProject(local, await project());
      if (found === null) {
        await showErrorMessage(
          trans.__('Run as Job'),
          trans.__('%1 lies outside the project, so its code cannot be taken along.', local)
        );
        return;
      }
      await workbench.open(submitRef(found));
    };

    /** Save first: a job runs what is on disk. */
    const submitActive = async (): Promise<void> => {
      const panel = tracker.currentWidget;
      if (!panel) {
        return;
      }
      if (panel.context.model.dirty) {
        await panel.context.save();
      }
      await submit(panel.context.path);
    };
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-active',
      label: trans.__('Run as Job…'),
      caption: trans.__('Save this notebook and run it away from the kernel'),
      icon: 'jobs',
      category: workbench.category(trans.__('Jobs')),
      isEnabled: () => tracker.currentWidget !== null,
      execute: submitActive
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-selected',
      label: trans.__('Run as Job…'),
      caption: trans.__('Run the selected notebook away from any kernel'),
      icon: 'jobs',
      isEnabled: () => selectedNotebook(browsers) !== null,
      execute: () => submit(selectedNotebook(browsers) ?? '')
    });
    workbench.addCommand({
      id: 'mlinfra:workbench-open-file',
      label: trans.__('Open File'),
      caption: trans.__('Open a file of the project'),
      args: { path: { type: 'string', description: trans.__('Path below the project') } },
      execute: async ({ path }) => {
        if (typeof path === 'string') {
          await app.commands.execute('docmanager:open', { path: toLab(path, await project()) });
        }
      }
    });
  }
};

function selectedNotebook(browsers: IFileBrowserFactory | null): string | null {
  const item = browsers?.tracker.currentWidget?.selectedItems().next();
  return item && !item.done && item.value.type === 'notebook' ? item.value.path : null;
}
