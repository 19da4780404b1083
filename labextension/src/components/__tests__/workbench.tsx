import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate } from '@lumino/disposable';
import { render, type RenderResult } from '@testing-library/react';
import React from 'react';

import { Answers } from '../../answers/answers';
import type { IClient } from '../../api/client';
import type { IChangeEvent, IEvents } from '../../api/events';
import type { ICode } from '../../code/insert';
import { WidgetVisibility } from '../../hooks/visible';
import type { IMemory, IWorkbench } from '../../tokens';
import { Shelf } from '../../workbench/shelf';
import { Frame } from '../frame';

export interface IFake {
  workbench: IWorkbench;
  visibility: WidgetVisibility;
  code: Record<keyof ICode, jest.Mock>;
  open: jest.Mock;
  keep: jest.Mock;
  kept: Map<string, unknown>;
  /** Let an event happen. */
  emit: (event: IChangeEvent) => void;
}

/** A workbench without a server: `client` answers only what a test hands in. */
export function fakeWorkbench(client: object = {}): IFake {
  const kept = new Map<string, unknown>();
  const heard = new Set<(event: IChangeEvent) => void>();
  const code: Record<keyof ICode, jest.Mock> = {
    insertBelow: jest.fn(async () => undefined),
    insertAtCursor: jest.fn(async () => undefined),
    copy: jest.fn(),
    cell: jest.fn((text: string) => text),
    focusNotebook: jest.fn()
  };
  const open = jest.fn(async () => undefined);
  const keep = jest.fn();
  const memory: IMemory = {
    read: async <T,>(key: string) => kept.get(key) as T | undefined,
    write: (key, value) => void kept.set(key, value)
  };
  const events: IEvents = {
    listen: (topics, listener) => {
      const filtered = (event: IChangeEvent): void => {
        if (topics.includes(event.topic)) {
          listener(event);
        }
      };
      heard.add(filtered);
      return new DisposableDelegate(() => heard.delete(filtered));
    }
  };
  const workbench: IWorkbench = {
    client: client as IClient,
    events,
    answers: new Answers(events),
    code,
    commands: new CommandRegistry(),
    trans: nullTranslator.load('jupyter_mlinfra'),
    memory,
    shelf: new Shelf(memory),
    category: domain => domain,
    addCommand: () => new DisposableDelegate(() => undefined),
    addKind: () => new DisposableDelegate(() => undefined),
    addPanel: () => undefined,
    open,
    keep
  };
  const visibility = new WidgetVisibility();
  visibility.shown = true;
  return {
    workbench,
    visibility,
    code,
    open,
    keep,
    kept,
    emit: event => heard.forEach(listener => listener(event))
  };
}

/** Something as it stands in a page. */
export function framed(fake: IFake, element: React.ReactElement): React.ReactElement {
  return (
    <Frame workbench={fake.workbench} visibility={fake.visibility} kind="page">
      {element}
    </Frame>
  );
}

/** Draw something as it stands in a page. */
export function show(fake: IFake, element: React.ReactElement): RenderResult {
  return render(framed(fake, element));
}
