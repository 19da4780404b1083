import '../../style/deploying.css';

import type { Drag } from '@lumino/dragdrop';
import React, { useEffect, useRef } from 'react';

import { REFS_MIME } from '../code/drag';
import { cx } from '../components/cx';
import { useWorkbench } from '../hooks/context';
import { kindOf, nameOf, parseRef } from '../refs';
import { deployRef } from './deployref';

const DRAGS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];
const ROW = '[data-mlinfra-ref^="deployment:"]';
const MARK = cx('is-drop');

/** The one version of a model that is dragged, if it is one. */
function versionIn({ mimeData }: Drag.Event): readonly [string, string] | null {
  const refs = mimeData.getData(REFS_MIME) as readonly string[] | undefined;
  const [ref = '', ...others] = refs ?? [];
  const [model = '', number] = parseRef(ref)?.parts ?? [];
  return kindOf(ref) === 'version' && number !== undefined && !others.length
    ? [model, number]
    : null;
}

/**
 * Take a version that is dropped on a deployment: the form opens, with a canary chosen.
 *
 * place: the element of the deployment that something is over, and its name; null where there is
 * none.
 */
function useVersionDrops(
  host: () => Element | null | undefined,
  place: (over: Element, host: Element) => readonly [Element, string] | null
): void {
  const { open } = useWorkbench();
  const latest = useRef({ host, place });
  useEffect(() => {
    latest.current = { host, place };
  });
  useEffect(() => {
    const node = latest.current.host();
    let marked: Element | null = null;
    const mark = (next: Element | null): void => {
      marked?.classList.remove(MARK);
      next?.classList.add(MARK);
      marked = next;
    };
    const hear = (event: Event): void => {
      const drag = event as unknown as Drag.Event; // Lumino's own event, under these names
      const version = versionIn(drag);
      const found =
        node && event.target instanceof Element ? latest.current.place(event.target, node) : null;
      if (!version || !found || event.type === 'lm-dragleave') {
        mark(null);
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      drag.dropAction = 'copy';
      const dropped = event.type === 'lm-drop';
      mark(dropped ? null : found[0]);
      if (dropped) {
        void open(deployRef(version, found[1], 'canary'));
      }
    };
    DRAGS.forEach(type => node?.addEventListener(type, hear));
    return () => DRAGS.forEach(type => node?.removeEventListener(type, hear));
  }, [open]);
}

/** Rows of deployments that take a version. */
export function VersionDrop({ children }: { children: React.ReactNode }): React.ReactElement {
  const host = useRef<HTMLDivElement>(null);
  useVersionDrops(
    () => host.current,
    over => {
      const row = over.closest(ROW);
      return row && [row, nameOf(row.getAttribute('data-mlinfra-ref') ?? '')];
    }
  );
  return <div ref={host}>{children}</div>;
}

/** The page around it, of a deployment, takes a version wherever it is dropped. */
export function PageDrop({ name }: { name: string }): React.ReactElement {
  const host = useRef<HTMLSpanElement>(null);
  useVersionDrops(
    () => host.current?.closest('[data-mlinfra-frame]'),
    (_, page) => [page, name]
  );
  return <span ref={host} hidden />;
}
