import type { IEditorServices } from '@jupyterlab/codeeditor';
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import type { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { REFS_MIME } from '../code/drag';
import type { AnyIcon } from '../components/glyphs';
import { labIcon } from '../components/labicon';
import type { IWorkbench, Lazy } from '../tokens';
import { type Drawing, FrameWidget } from '../workbench/widget';

export type PipelineContext = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/** Something that was dropped on a pipeline. step: the one that it fell on. */
export interface IDrop {
  paths: readonly string[];
  refs: readonly string[];
  step: string | null;
}

export interface IEditorProps {
  context: PipelineContext;
  services: IEditorServices;
  contents: Contents.IManager;
  /** Hears of drops; the call that is answered ends that. */
  onDrop: (listener: (drop: IDrop) => void) => () => void;
}

const FILES_MIME = 'application/x-jupyter-icontents';
const DRAGS = ['lm-dragenter', 'lm-dragover', 'lm-drop'];

/** The body of a pipeline's document: it takes notebooks and datasets that are dropped on it. */
class EditorBody extends FrameWidget implements EventListenerObject {
  constructor(
    workbench: IWorkbench,
    private readonly _editor: Lazy<IEditorProps>,
    private readonly _props: Omit<IEditorProps, 'onDrop'>
  ) {
    super(workbench, 'page');
  }

  handleEvent(event: Event): void {
    const drag = event as unknown as Drag.Event; // Lumino's own event, which it dispatches under these names
    const [files, refs] = [FILES_MIME, REFS_MIME].map(type =>
      drag.mimeData.hasData(type) ? (drag.mimeData.getData(type) as string[]) : []
    );
    const target = drag.target instanceof Element ? drag.target : null;
    const paths = (files ?? []).filter(path => path.endsWith('.ipynb'));
    if (target?.closest('.cm-editor') || !(paths.length || refs?.length)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    drag.dropAction = drag.proposedAction;
    if (event.type === 'lm-drop') {
      const step = target?.closest<HTMLElement>('[data-node]')?.dataset.node ?? null;
      this._listeners.forEach(listener => listener({ paths, refs: refs ?? [], step }));
    }
  }

  protected override content({ Later, Loading }: Drawing): React.ReactElement {
    return (
      <Later
        load={this._editor}
        props={{ ...this._props, onDrop: this._onDrop }}
        waiting={<Loading rows={8} />}
      />
    );
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    DRAGS.forEach(type => this.node.addEventListener(type, this, true));
  }

  protected override onBeforeDetach(message: Message): void {
    DRAGS.forEach(type => this.node.removeEventListener(type, this, true));
    super.onBeforeDetach(message);
  }

  private readonly _onDrop = (listener: (drop: IDrop) => void): (() => void) => {
    this._listeners.add(listener);
    return () => void this._listeners.delete(listener);
  };

  private readonly _listeners = new Set<(drop: IDrop) => void>();
}

/**
 * A pipeline file, open: dirty mark, saving and conflicts are those of every document of
 * JupyterLab.
 */
export class PipelineDocument extends DocumentWidget<EditorBody, DocumentRegistry.ICodeModel> {}

interface IFactoryOptions extends DocumentRegistry.IWidgetFactoryOptions<PipelineDocument> {
  workbench: IWorkbench;
  services: IEditorServices;
  contents: Contents.IManager;
  icon: AnyIcon;
  body: Lazy<IEditorProps>;
}

/** Makes the documents of files that an editor of ours shows. */
export class PipelineFactory extends ABCWidgetFactory<
  PipelineDocument,
  DocumentRegistry.ICodeModel
> {
  constructor(private readonly _options: IFactoryOptions) {
    super(_options);
  }

  protected override createNewWidget(context: PipelineContext): PipelineDocument {
    const { workbench, services, contents, icon, body } = this._options;
    context.model.mimeType = services.mimeTypeService.getMimeTypeByFilePath('pipeline.yaml');
    const content = new EditorBody(workbench, body, { context, services, contents });
    const widget = new PipelineDocument({ content, context });
    widget.addClass('jp-mlinfra-page-widget');
    widget.node.dataset.mlinfraKeys = 'pipeline-file';
    widget.node.dataset.jpUndoer = 'true'; // JupyterLab's keys of undo and redo look for it
    widget.toolbar.hide(); // the page's own header holds its buttons
    widget.title.icon = labIcon(icon);
    return widget;
  }
}
