import { Sanitizer } from '@jupyterlab/apputils';
import { renderText } from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import React, { useLayoutEffect, useRef } from 'react';

import { cx } from './cx';
import { shown } from './terminal';

const sanitizer = new Sanitizer();

/**
 * A program may print any address: only those of the web can be followed, and they learn nothing of
 * this page.
 */
function closeLinks(node: Element): void {
  for (const link of node.querySelectorAll('a')) {
    if (/^https?:$/.test(link.protocol)) {
      link.rel = 'noopener noreferrer';
    } else {
      link.replaceWith(...link.childNodes);
    }
  }
}

interface ILinesProps {
  /** Text with codes of colours and line feeds, and no other codes. */
  text: string;
}

/** Text with its colours and links, drawn by JupyterLab's own renderer: nothing in it is markup. */
export const Lines = React.memo(function Lines({ text }: ILinesProps): React.ReactElement {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    node.replaceChildren();
    void renderText({ host: node, sanitizer, source: text, translator: nullTranslator }).then(() =>
      closeLinks(node)
    );
  }, [text]);
  return <div ref={host} className={`jp-RenderedText ${cx('printed')}`} />;
});

/** What a program has printed, as a terminal shows it in the end. */
export function Printed({ text }: { text: string }): React.ReactElement {
  return <Lines text={React.useMemo(() => shown(text), [text])} />;
}
