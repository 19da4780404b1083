import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';

import { acceptDrops } from '../code/drop';
import { IWorkbench } from '../tokens';
import { ProjectFiles } from './files';

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
    const files = new ProjectFiles(app, workbench);
    acceptDrops(tracker);
    tracker.currentChanged.connect(() => app.commands.notifyCommandChanged('mlinfra:jobs-submit-active'));
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-active',
      label: trans.__('Run as Job…'),
      caption: () =>
        tracker.currentWidget
          ? trans.__('Save this notebook and run it away from the kernel')
          : trans.__('Open a notebook first: it is the one that runs'),
      icon: 'jobs',
      category: workbench.category(trans.__('Jobs')),
      isEnabled: () => tracker.currentWidget !== null,
      execute: () => submitActive(tracker, files)
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-selected',
      label: trans.__('Run as Job…'),
      caption: trans.__('Run the selected notebook away from any kernel'),
      icon: 'jobs',
      isEnabled: () => selectedNotebook(browsers) !== null,
      execute: () => files.submit(selectedNotebook(browsers) ?? '')
    });
    workbench.addCommand({
      id: 'mlinfra:workbench-open-file',
      label: trans.__('Open File'),
      caption: trans.__('Open a file of the project'),
      args: { path: { type: 'string', description: trans.__('Path below the project') } },
      execute: ({ path }) => (typeof path === 'string' ? files.open(path) : undefined)
    });
  }
};

/** Save first: a job runs what is on disk. */
async function submitActive(tracker: INotebookTracker, files: ProjectFiles): Promise<void> {
  const panel = tracker.currentWidget;
  if (!panel) {
    return;
  }
  if (panel.context.model.dirty) {
    try {
      await panel.context.save();
    } catch {
      return; // JupyterLab has said why
    }
  }
  await files.submit(panel.context.path);
}

function selectedNotebook(browsers: IFileBrowserFactory | null): string | null {
  const item = browsers?.tracker.currentWidget?.selectedItems().next();
  return item && !item.done && item.value.type === 'notebook' ? item.value.path : null;
}
