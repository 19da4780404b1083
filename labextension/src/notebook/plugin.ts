import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';

import { acceptDrops } from '../code/drop';
import { IWorkbench } from '../tokens';
import { ExecutedDrive, withoutKernel } from './executed';
import type { ProjectFiles } from './files';
import type { Kernels } from './kernels';
import { isMarked, mark } from './marking';
import { isRecord } from './paths';

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
    app.serviceManager.contents.addDrive(new ExecutedDrive(workbench.client));
    let known: ProjectFiles | undefined;
    const files = async (): Promise<ProjectFiles> =>
      (known ??= new (await import('./files')).ProjectFiles(app, workbench));
    const runnable = (): boolean =>
      tracker.currentWidget !== null && !isRecord(tracker.currentWidget.context);
    acceptDrops(tracker, (panel, inText) => {
      app.shell.activateById(panel.id);
      panel.content.mode = inText ? 'edit' : 'command';
      if (inText) {
        panel.content.activeCell?.editor?.focus();
      } else {
        panel.content.activate();
      }
    });
    tracker.widgetAdded.connect((_, { context }) => withoutKernel(context));
    tracker.currentChanged.connect(() =>
      [SUBMIT, DEPLOY].forEach(id => app.commands.notifyCommandChanged(id))
    );
    /** What a command says, where a notebook is open. */
    const captioned = (caption: string) => () =>
      tracker.currentWidget
        ? isRecord(tracker.currentWidget.context)
          ? trans.__('This is the record of a run: open the notebook that was run')
          : caption
        : trans.__('First open the notebook');
    workbench.addCommand({
      id: DEPLOY,
      label: trans.__('Deploy This Notebook…'),
      caption: captioned(trans.__('The model that it made, beside what is live')),
      icon: 'deployment',
      category: workbench.category(trans.__('Models')),
      isEnabled: runnable,
      execute: async () => (await files()).deploy(tracker.currentWidget?.context.path ?? '')
    });
    workbench.addCommand({
      id: SUBMIT,
      label: trans.__('Run as Job…'),
      caption: captioned(trans.__('Save this notebook and run it away from the kernel')),
      icon: 'jobs',
      category: workbench.category(trans.__('Jobs')),
      isEnabled: runnable,
      execute: async () => submitActive(tracker, await files())
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-any',
      label: trans.__('Submit…'),
      caption: trans.__('Run a notebook as a job: the one that is open, else one that you choose'),
      icon: 'jobs',
      execute: async () => {
        if (runnable()) {
          return submitActive(tracker, await files());
        }
        const { chooseNotebooks } = await import('./choosing');
        const [path] = await chooseNotebooks(browsers, trans.__('Notebook to run as a job'));
        return path === undefined ? undefined : (await files()).submit(path);
      }
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-submit-selected',
      label: trans.__('Run as Job…'),
      caption: trans.__('Run the selected notebook away from any kernel'),
      icon: 'jobs',
      isEnabled: () => selectedNotebook(browsers) !== null,
      execute: async () => (await files()).submit(selectedNotebook(browsers) ?? '')
    });
    workbench.addCommand({
      id: 'mlinfra:workbench-open-file',
      label: trans.__('Open File'),
      caption: trans.__('Open a file of the project'),
      args: {
        path: { type: 'string', description: trans.__('Path below the project') },
        cell: { type: 'string', description: trans.__('The cell of a notebook that is shown') }
      },
      execute: async ({ path, cell }) =>
        typeof path === 'string' ? (await files()).open(path, word(cell)) : undefined
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-settle-notebook',
      label: trans.__('Save Before a Job'),
      caption: trans.__(
        'Ask about changes of an open notebook that are not saved; says whether to go on'
      ),
      args: { path: { type: 'string', description: trans.__('Path below the project') } },
      execute: async ({ path }) => {
        const { settle } = await import('./settling');
        return settle(await (await files()).shown(word(path)), tracker, workbench);
      }
    });
    addMarking(tracker, workbench);
    addKernels(async () => new (await import('./kernels')).Kernels(app, workbench), workbench);
  }
};

const SUBMIT = 'mlinfra:jobs-submit-active';
const DEPLOY = 'mlinfra:deployments-deploy-notebook';

const word = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The cell whose names a job or a step fills in: papermill takes the first that is tagged. */
function addMarking(tracker: INotebookTracker, workbench: IWorkbench): void {
  const { trans } = workbench;
  const cell = (): INotebookTracker['activeCell'] =>
    tracker.currentWidget &&
    !isRecord(tracker.currentWidget.context) &&
    tracker.activeCell?.model.type === 'code'
      ? tracker.activeCell
      : null;
  workbench.addCommand({
    id: 'mlinfra:notebook-mark-parameters',
    label: trans.__('Mark as Parameters'),
    caption: trans.__(
      'Tag this cell: a job, a step or a schedule can set the names that it assigns'
    ),
    category: workbench.category(trans.__('Jobs')),
    isEnabled: () => cell() !== null,
    isToggled: () => isMarked(cell()?.model),
    execute: () => {
      const model = cell()?.model;
      if (model) {
        mark(tracker.currentWidget?.content.model?.cells ?? [], model);
      }
    }
  });
}

function addKernels(kernels: () => Promise<Kernels>, workbench: IWorkbench): void {
  const { trans } = workbench;
  const args = {
    notebook: { type: 'string', description: trans.__('File name of the notebook') },
    pid: { type: 'string', description: trans.__('Process of its kernel') }
  };
  workbench.addCommand({
    id: 'mlinfra:jobs-show-kernel',
    label: trans.__('Go to Notebook'),
    caption: trans.__('Show the notebook whose kernel holds a GPU'),
    args,
    execute: async ({ notebook, pid }) => (await kernels()).show(word(notebook), word(pid))
  });
  workbench.addCommand({
    id: 'mlinfra:jobs-shut-down-kernel',
    label: trans.__('Shut Down Kernel…'),
    caption: trans.__('End the kernel of a notebook, so that its GPU is free'),
    args,
    execute: async ({ notebook, pid }) => (await kernels()).end(word(notebook), word(pid))
  });
}

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
      return; // JupyterLab has shown why
    }
  }
  await files.submit(panel.context.path);
}

function selectedNotebook(browsers: IFileBrowserFactory | null): string | null {
  const item = browsers?.tracker.currentWidget?.selectedItems().next();
  return item && !item.done && item.value.type === 'notebook' ? item.value.path : null;
}
