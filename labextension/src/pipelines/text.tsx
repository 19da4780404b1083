import '../../style/pipelines.css';

import { CodeEditorWrapper, type IEditorServices } from '@jupyterlab/codeeditor';
import { Widget } from '@lumino/widgets';
import React, { useLayoutEffect, useRef } from 'react';

import { cx } from '../components/cx';
import { useWorkbench } from '../hooks/context';
import type { PipelineContext } from './document';

interface ITextEditorProps {
  context: PipelineContext;
  services: IEditorServices;
  /** The line to go to, from 1. */
  goTo: number | null;
  /** It has been gone to: a later look at the text stays where it was. */
  onThere: () => void;
}

/** JupyterLab's own editor on the text of a file. */
export function TextEditor({
  context,
  services,
  goTo,
  onThere
}: ITextEditorProps): React.ReactElement {
  const { trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef<CodeEditorWrapper | null>(null);
  const label = trans.__('Text of %1', context.localPath);
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const widget = new CodeEditorWrapper({
      model: context.model,
      factory: options => services.factoryService.newDocumentEditor(options),
      editorOptions: { config: { lineNumbers: true, tabSize: 2 } }
    });
    shown.current = widget;
    Widget.attach(widget, node);
    widget.node.querySelector('.cm-content')?.setAttribute('aria-label', label);
    return () => {
      shown.current = null;
      widget.dispose();
    };
  }, [context, services, label]);
  useLayoutEffect(() => {
    const editor = shown.current?.editor;
    if (editor && goTo !== null) {
      const position = { line: Math.min(goTo, editor.lineCount) - 1, column: 0 };
      editor.setCursorPosition(position);
      editor.revealPosition(position);
      editor.focus();
      onThere();
    }
  }, [goTo, onThere]);
  return <div ref={host} className={cx('pipelines-text-editor')} />;
}
