import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate } from '@lumino/disposable';
import { render, type RenderResult } from '@testing-library/react';
import React from 'react';

import { Answers } from '../../answers/answers';
import type { IClient } from '../../api/client';
import type { IChangeEvent, IEvents } from '../../api/events';
import type { ICode, Text } from '../../code/insert';
import { allKinds } from '../../__tests__/kinds';
import { shortcuts } from '../../__tests__/schemas';
import { Seen } from '../../frames';
import { WidgetVisibility } from '../../hooks/visible';
import type { IActionSpec, ICommandSpec, IMemory, IWorkbench } from '../../tokens';
import { Actions } from '../../workbench/actions';
import { addGeneric } from '../../workbench/commands';
import { Pointer } from '../../workbench/pointer';
import { Shelf } from '../../workbench/shelf';
import { Frame } from '../frame';
import { TYPING } from '../keyed';

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

/** What a test needs of JupyterLab's shell: the page in front. */
interface IFakeShell {
  currentWidget?: { node: HTMLElement };
}

/** What the server says of code, as far as a test tells one piece from the other. */
export const madeUp = (of: unknown): string => `code of ${JSON.stringify(of)}`;

/** Code as mocks see it: once it is there, and not at all when it is empty. */
const whenThere =
  (mock: jest.Mock) =>
  async (text: Text, ...door: readonly unknown[]): Promise<void> => {
    const arrived = typeof text === 'string' ? text : await text;
    if (arrived) {
      mock(arrived, ...door);
    }
  };

/** A workbench without a server: `client` answers only what a test hands in, and made-up code. */
export function fakeWorkbench(client: object = {}, shell: IFakeShell = {}): IFake {
  const kept = new Map<string, unknown>();
  const listeners = new Set<(event: IChangeEvent) => void>();
  const code: Record<keyof ICode, jest.Mock> = {
    insertBelow: jest.fn(async () => undefined),
    insertAtCursor: jest.fn(async () => undefined),
    copy: jest.fn(),
    cell: jest.fn((text: Text) => text),
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
      listeners.add(filtered);
      return new DisposableDelegate(() => listeners.delete(filtered));
    },
    tell: event => listeners.forEach(listener => listener(event))
  };
  const workbench: IWorkbench = {
    client: Object.assign(
      { code: async (of: unknown) => ({ python: madeUp(of), cli: `mlinfra ${madeUp(of)}` }) },
      client
    ) as unknown as IClient,
    events,
    answers: new Answers(events),
    code: {
      ...code,
      insertBelow: whenThere(code.insertBelow),
      insertAtCursor: whenThere(code.insertAtCursor),
      copy: text => void whenThere(code.copy)(text)
    },
    commands: new CommandRegistry(),
    trans: nullTranslator.load('jupyter_mlinfra'),
    memory,
    shelf: new Shelf(memory),
    category: domain => domain,
    addCommand: () => new DisposableDelegate(() => undefined),
    addKind: () => new DisposableDelegate(() => undefined),
    addAction: () => new DisposableDelegate(() => undefined),
    seen: new Seen(),
    pointer: new Pointer(shell as unknown as JupyterFrontEnd.IShell, () => undefined),
    addPanel: () => undefined,
    open,
    keep
  };
  const visibility = new WidgetVisibility();
  visibility.shown = true;
  addCommands(workbench);
  return {
    workbench,
    visibility,
    code,
    open,
    keep,
    kept,
    emit: event => listeners.forEach(listener => listener(event))
  };
}

/** A page around a frame. */
const AROUND = /^\[data-mlinfra-(keys|page)[^\]]*\]/;

/** The actions of all kinds with their keys, as JupyterLab takes them from the schemas. */
function addCommands(workbench: IWorkbench): void {
  const actions = new Actions(workbench);
  const own = Object.assign(workbench, {
    addAction: (spec: IActionSpec) => actions.add(spec),
    addCommand: (spec: ICommandSpec) => actions.addCommand(spec)
  });
  allKinds.flatMap(spec => spec.actions ?? []).forEach(own.addAction);
  addGeneric(own);
  for (const { command, keys, selector } of shortcuts()) {
    // a test draws a part of a page: whatever the page, its keys are heard
    const inPart = selector.replace(AROUND, '[data-mlinfra-frame]');
    if (own.commands.hasCommand(command)) {
      own.commands.addKeyBinding({ command, keys, selector: inPart.split(':not(')[0] ?? '' });
    }
  }
  pressKeys(own.commands);
}

let stop = (): void => undefined;
/** What Lumino says to a command that a key calls. */
const byKey = { _luminoEvent: { type: 'keybinding', keys: [] } };

/** Hear keys as JupyterLab does: after the elements that they are pressed on. */
function pressKeys(commands: CommandRegistry): void {
  stop();
  const hear = (event: KeyboardEvent): void => {
    const { key, shiftKey, altKey, ctrlKey, metaKey, target } = event;
    const letter = key.length === 1 ? key.toUpperCase() : key;
    const upper = shiftKey || (letter !== key.toLowerCase() && /^[A-Z]$/.test(key));
    const stroke = `${altKey ? 'Alt ' : ''}${upper ? 'Shift ' : ''}${letter}`;
    const typing = target instanceof Element && target.matches(TYPING);
    if (event.defaultPrevented || ctrlKey || metaKey || typing || !(target instanceof Element)) {
      return;
    }
    target.dispatchEvent(new FocusEvent('focusin', { bubbles: true })); // who is pressed on has it
    const found = commands.keyBindings
      .filter(
        ({ keys, selector }) => keys.length === 1 && keys[0] === stroke && target.closest(selector)
      )
      .find(({ command }) => commands.isEnabled(command, byKey));
    if (found) {
      event.preventDefault();
      void commands.execute(found.command, byKey);
    }
  };
  document.addEventListener('keydown', hear);
  stop = () => document.removeEventListener('keydown', hear);
}

/** Something as it stands in a page. */
export function framed(fake: IFake, element: React.ReactElement): React.ReactElement {
  return (
    <div className="jp-mlinfra-widget">
      <Frame workbench={fake.workbench} visibility={fake.visibility} kind="page">
        {element}
      </Frame>
    </div>
  );
}

/** Draw something as it stands in a page. */
export function show(fake: IFake, element: React.ReactElement): RenderResult {
  return render(framed(fake, element));
}
