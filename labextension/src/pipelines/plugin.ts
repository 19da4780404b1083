import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IToolbarWidgetRegistry, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { AnyIcon } from '../components/glyphs';
import { labIcon } from '../components/labicon';
import { isRecord } from '../notebook/paths';
import { formatRef } from '../refs';
import { type IMemory, IWorkbench, type Lazy } from '../tokens';
import type { Creator } from './creating';
import { type IEditorProps, type PipelineDocument, PipelineFactory } from './document';
import { prefillJob } from './prefill';
import { pipelineKinds } from './kinds';
import { MenuButton } from './menu';

export const pipelines: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:pipelines',
  description: 'The editor of pipeline files, schedules and their form.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [
    IEditorServices,
    ILayoutRestorer,
    IFileBrowserFactory,
    INotebookTracker,
    IToolbarWidgetRegistry,
    IMainMenu
  ],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    services: IEditorServices | null,
    restorer: ILayoutRestorer | null,
    browsers: IFileBrowserFactory | null,
    notebooks: INotebookTracker | null,
    toolbars: IToolbarWidgetRegistry | null,
    menu: IMainMenu | null
  ) => {
    pipelineKinds(workbench.trans).forEach(workbench.addKind);
    if (services) {
      const documents = addEditor(app, workbench, services, restorer, {
        type: 'mlpipeline',
        factory: 'Pipeline',
        label: workbench.trans.__('Pipeline'),
        icon: 'pipeline',
        body: () => import('./editor')
      });
      addUndo(workbench, documents, menu);
    }
    addSchedules(workbench);
    const creator = (): Promise<Creator> =>
      import('./creating').then(found => new found.Creator(app, workbench, browsers));
    addCreating(workbench, creator, browsers);
    if (notebooks) {
      addActive(app, workbench, creator, notebooks);
      const items = ['mlinfra:schedules-create-active', 'mlinfra:pipelines-add-active'];
      toolbars?.addFactory('Notebook', 'mlinfra-menu', () => new MenuButton(workbench, items));
    }
  }
};

interface IDocumentSpec {
  /** The files end with it: `.mlpipeline.yaml`. */
  type: string;
  factory: string;
  /** What such a file is called. */
  label: string;
  icon: AnyIcon;
  body: Lazy<IEditorProps>;
}

/** Double click on a file of a kind opens our editor of it. */
export function addEditor(
  app: JupyterFrontEnd,
  workbench: IWorkbench,
  services: IEditorServices,
  restorer: ILayoutRestorer | null,
  { type, factory: name, label, icon, body }: IDocumentSpec
): WidgetTracker<PipelineDocument> {
  const { docRegistry, serviceManager } = app;
  docRegistry.addFileType({
    name: type,
    displayName: label,
    extensions: [`.${type}.yaml`],
    mimeTypes: ['text/x-yaml'],
    contentType: 'file',
    fileFormat: 'text',
    icon: labIcon(icon)
  });
  const factory = new PipelineFactory({
    name,
    label: workbench.trans.__('%1 Editor', label),
    fileTypes: [type],
    defaultFor: [type],
    modelName: 'text',
    workbench,
    services,
    contents: serviceManager.contents,
    icon,
    body
  });
  docRegistry.addWidgetFactory(factory);
  const tracker = new WidgetTracker<PipelineDocument>({ namespace: `mlinfra-${type}-documents` });
  factory.widgetCreated.connect((_, widget) => {
    void tracker.add(widget);
    widget.context.pathChanged.connect(() => void tracker.save(widget));
  });
  if (restorer) {
    void restorer.restore(tracker, {
      command: 'docmanager:open',
      args: ({ context }) => ({ path: context.path, factory: name }),
      name: ({ context }) => context.path
    });
  }
  return tracker;
}

/** Undo and redo of JupyterLab's menu and keys work in text and graph. */
function addUndo(
  workbench: IWorkbench,
  documents: WidgetTracker<PipelineDocument>,
  menu: IMainMenu | null
): void {
  const { trans } = workbench;
  const isEnabled = (widget: Widget): boolean =>
    documents.find(document => document === widget) !== undefined;
  const verbs = [
    ['undo', trans.__('Undo'), trans.__('Take back the last change of the pipeline')],
    ['redo', trans.__('Redo'), trans.__('Make it again')]
  ] as const;
  for (const [verb, label, caption] of verbs) {
    const id = `mlinfra:pipelines-${verb}`;
    workbench.addCommand({
      id,
      label,
      caption,
      execute: () => documents.currentWidget?.context.model.sharedModel[verb]()
    });
    menu?.editMenu.undoers[verb].add({ id, isEnabled });
  }
}

function addSchedules(workbench: IWorkbench): void {
  const { trans } = workbench;
  workbench.addCommand({
    id: 'mlinfra:schedules-create',
    label: trans.__('Schedule…'),
    caption: trans.__('Run a pipeline or a notebook on a schedule'),
    icon: 'clock',
    category: workbench.category(trans.__('Jobs')),
    args: {
      pipeline: { type: 'string', description: trans.__('Name of a pipeline') },
      notebook: { type: 'string', description: trans.__('Path of a notebook below the project') },
      job: {
        type: 'object',
        description: trans.__('Other fields of the job that runs the notebook')
      },
      schedule: {
        type: 'string',
        description: trans.__('Name of the schedule to change')
      }
    },
    execute: args => workbench.open(formatRef('scheduling', scheduledBy(args, workbench.memory)))
  });
}

/** What the form is about: a reference, or `new`. */
function scheduledBy(
  { pipeline, notebook, job, schedule }: ReadonlyPartialJSONObject,
  memory: IMemory
): string {
  if (typeof schedule === 'string') {
    return formatRef('schedule', schedule);
  }
  if (typeof notebook === 'string') {
    const what = `file:${notebook}`;
    prefillJob(
      memory,
      what,
      typeof job === 'object' && job !== null ? (job as ReadonlyPartialJSONObject) : {}
    );
    return what;
  }
  return typeof pipeline === 'string' && pipeline ? formatRef('pipeline', pipeline) : 'new';
}

/** Notebooks that are selected in the file browser. */
function selected(browsers: IFileBrowserFactory | null): string[] {
  const items = browsers?.tracker.currentWidget?.selectedItems();
  return [...(items ?? [])].filter(item => item.type === 'notebook').map(item => item.path);
}

function addCreating(
  workbench: IWorkbench,
  creator: () => Promise<Creator>,
  browsers: IFileBrowserFactory | null
): void {
  const { trans } = workbench;
  workbench.addCommand({
    id: 'mlinfra:pipelines-create',
    label: trans.__('New Pipeline…'),
    caption: trans.__(
      'Choose notebooks: they become steps, joined by what their code reads and writes'
    ),
    icon: 'pipeline',
    category: workbench.category(trans.__('Jobs')),
    isEnabled: () => browsers !== null,
    execute: () => creator().then(found => found.choose())
  });
  workbench.addCommand({
    id: 'mlinfra:pipelines-create-selected',
    label: trans.__('Create Pipeline…'),
    caption: trans.__(
      'The selected notebooks become steps, joined by what their code reads and writes'
    ),
    icon: 'pipeline',
    isEnabled: () => selected(browsers).length > 0,
    execute: () => creator().then(found => found.create(selected(browsers)))
  });
  workbench.addCommand({
    id: 'mlinfra:pipelines-run-selected',
    label: trans.__('Run Pipeline'),
    caption: trans.__('Run the selected pipeline file'),
    icon: 'play',
    execute: () => creator().then(found => found.runSelected())
  });
}

/** What can be done with the notebook in front. */
function addActive(
  app: JupyterFrontEnd,
  workbench: IWorkbench,
  creator: () => Promise<Creator>,
  notebooks: INotebookTracker
): void {
  const { trans } = workbench;
  const isEnabled = (): boolean =>
    notebooks.currentWidget !== null && !isRecord(notebooks.currentWidget.context);
  const onPath = async (doing: (path: string) => Promise<void>): Promise<void> => {
    const context = notebooks.currentWidget?.context;
    if (context?.model.dirty) {
      await context.save();
    }
    if (context) {
      await doing(context.path);
    }
  };
  workbench.addCommand({
    id: 'mlinfra:pipelines-add-active',
    label: trans.__('Add to Pipeline…'),
    caption: trans.__('This notebook becomes a step of a pipeline'),
    icon: 'pipeline',
    category: workbench.category(trans.__('Jobs')),
    isEnabled,
    execute: () => onPath(path => creator().then(found => found.addTo(path)))
  });
  workbench.addCommand({
    id: 'mlinfra:schedules-create-active',
    label: trans.__('Schedule…'),
    caption: trans.__('Run this notebook on a schedule'),
    icon: 'clock',
    isEnabled,
    execute: () => onPath(path => creator().then(found => found.schedule(path)))
  });
  notebooks.currentChanged.connect(() => {
    app.commands.notifyCommandChanged('mlinfra:pipelines-add-active');
    app.commands.notifyCommandChanged('mlinfra:schedules-create-active');
  });
}
