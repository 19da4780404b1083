import type { IDisposable } from '@lumino/disposable';
import type { CommandRegistry } from '@lumino/commands';
import { type ReadonlyJSONObject, type ReadonlyPartialJSONObject, Token } from '@lumino/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ComponentType } from 'react';

import type { IAnswers, IUse } from './answers/answers';
import type { IClient } from './api/client';
import type { IEvents } from './api/events';
import type { ICode } from './code/insert';
import type { AnyIcon } from './components/glyphs';
import type { IPointer, Seen } from './frames';
import type { IKindSpec } from './kinds';

/** What the front end needs of the server: a typed client, and news of what changed. */
export interface IMLInfra {
  readonly client: IClient;
  readonly events: IEvents;
}

export const IMLInfra = new Token<IMLInfra>(
  '@jupyter-mlinfra/labextension:IMLInfra',
  'The client of the jupyter-mlinfra server extension.'
);

/** A component that is fetched when it is first shown. */
export type Lazy<Props> = () => Promise<{ default: ComponentType<Props> }>;

export interface IPanelProps {
  readonly name: string;
}

/** A panel of the left side bar: its sections are fetched and drawn when it is first shown. */
export interface IPanelSpec {
  readonly name: string;
  readonly title: string;
  readonly icon: AnyIcon;
  /** What the panel holds, in one sentence. */
  readonly caption: string;
  readonly rank: number;
  readonly placeholder: string;
  readonly body: Lazy<IPanelProps>;
  /** Buttons at the right of the panel's title. */
  readonly actions?: readonly IPanelAction[];
  /** What in it asks for attention: its number stands on the panel's icon. */
  readonly attention?: IAttention;
}

export interface IAttention {
  /** The question whose answer counts it. */
  readonly use: () => IUse<Readonly<{ total: number }>>;
  /** What is counted: `2 alerts firing`. */
  readonly words: (count: number) => string;
}

export interface IPanelAction {
  readonly command: string;
  readonly icon: AnyIcon;
  /** Shown beside the icon; without it the icon stands alone, named by the command's label. */
  readonly label?: string;
}

export interface IPageProps {
  /** The reference that the page shows. */
  readonly reference: string;
  /** Its name: the part after the kind. */
  readonly name: string;
  /** How often the open page was asked for again. */
  readonly again?: number;
  /** Give the tab the name of what the page shows, once that is known. */
  readonly onTitle?: (title: string) => void;
}

/** The pages of a kind in the main area; the same reference never opens twice. */
export interface IPageSpec {
  /** The command that opens and restores such pages; takes `{ref}`. */
  readonly command: string;
  readonly label: string;
  readonly caption: string;
  readonly title: (name: string) => string;
  readonly body: Lazy<IPageProps>;
  /**
   * Whether each page has a tab of its own, such as a form: pages of other kinds share one until
   * the user keeps it.
   */
  readonly kept?: boolean;
  /** The kind whose keys work in it, where that is not its own: the queue has those of its jobs. */
  readonly keys?: string;
}

export interface ICommandSpec {
  /** `mlinfra:<domain>-<verb>` */
  readonly id: string;
  readonly label: string | ((args: ReadonlyPartialJSONObject) => string);
  /** What it does; while it is disabled, what it waits for. */
  readonly caption: string | ((args?: ReadonlyPartialJSONObject) => string);
  readonly icon?: AnyIcon;
  /** JSON schema of the arguments' properties. */
  readonly args?: ReadonlyJSONObject;
  /** Where the palette lists it; left out of the palette when undefined. */
  readonly category?: string;
  readonly isEnabled?: (args?: ReadonlyPartialJSONObject) => boolean;
  readonly isVisible?: (args?: ReadonlyPartialJSONObject) => boolean;
  /** Whether it stands for something that is so now: menus show a mark. */
  readonly isToggled?: () => boolean;
  readonly execute: (args: ReadonlyPartialJSONObject) => unknown;
}

/** The call that takes back what an action did: its own command, as the state was then. */
export interface IUndo {
  readonly command: string;
  readonly args: ReadonlyPartialJSONObject;
}

/** What an action did: the message about it, and what undoes it. */
export interface IOutcome {
  readonly message?: string;
  readonly undo?: IUndo;
}

export interface IActionCall<T = unknown> {
  readonly workbench: IWorkbench;
  readonly ref: string;
  /** Its name: the part after the kind. */
  readonly name: string;
  /** What was last seen of it, if it was. */
  readonly item: T | undefined;
  readonly args: ReadonlyPartialJSONObject;
}

/** Null: the user cancelled it. Nothing: it is done, and needs no message. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type
export type Perform<T = unknown> = (call: IActionCall<T>) => Promise<IOutcome | null | void>;

/**
 * A verb on an object, as a command: buttons, keys, menus and the palette call it. What it does is
 * fetched when it is first called.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has items of its own
export interface IActionSpec<T = any> {
  /** `mlinfra:<domain>-<verb>` */
  readonly id: string;
  readonly label: string | ((item: T | undefined) => string);
  readonly caption: string;
  readonly icon?: AnyIcon;
  /**
   * The kinds of objects that it is for. It takes `{ref}`, without which it means the selected row
   * or the open page.
   */
  readonly kinds?: readonly string[];
  /** JSON schema of further arguments. */
  readonly args?: ReadonlyJSONObject;
  /** Why it cannot be done with an object as it is; null when it can. */
  readonly blocked?: (item: T) => string | null;
  /** Whether menus leave it out: where its opposite is offered. */
  readonly hidden?: (item: T | undefined) => boolean;
  /** Whether it asks which object to act on when none is selected. */
  readonly asksWhich?: boolean;
  /** Set where the open page does it itself: why it cannot be done elsewhere. */
  readonly inPage?: string;
  /** The command that undoes it: its outcome says how, and for ten seconds a button does it. */
  readonly undo?: string;
  /** Whether it asks first: always, or where an undo would not bring all back. */
  readonly asks?: boolean;
  /** Whether it changes nothing, or only adds something that can be cancelled or removed. */
  readonly harmless?: boolean;
  /** Left out of the palette: the undo of another one. */
  readonly quiet?: boolean;
  readonly run?: () => Promise<Perform<T>>;
}

/** What is kept between sessions: which sections are open, which rows are unfolded. */
export interface IMemory {
  read: <T>(key: string) => Promise<T | undefined>;
  write: (key: string, value: unknown) => void;
}

/** A page that was opened, and when. */
export interface IVisit {
  readonly ref: string;
  readonly at: string;
}

/** What the user keeps at hand. */
export interface IShelf {
  readonly pinned: readonly string[];
  /** Newest first. */
  readonly recent: readonly IVisit[];
  /**
   * Pin an object, or take its pin away.
   *
   * before: the pins as they were when it had one, to give it back its place.
   */
  readonly pin: (reference: string, pinned: boolean, before?: readonly string[]) => void;
  readonly visit: (reference: string) => void;
  readonly subscribe: (changed: () => void) => () => void;
}

/** The front end's own services: what a panel, a page or another extension builds on. */
export interface IWorkbench extends IMLInfra {
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
  /** What the server has answered, for whoever shows it. */
  readonly answers: IAnswers;
  readonly code: ICode;
  readonly memory: IMemory;
  readonly shelf: IShelf;
  /** What the user points at. */
  readonly pointer: IPointer;
  /** What was last drawn of objects. */
  readonly seen: Seen;
  /** The palette's category of a domain. */
  category: (domain: string) => string;
  addCommand: (spec: ICommandSpec) => IDisposable;
  /** Add a verb on objects; context menus of their rows offer it. */
  addAction: (spec: IActionSpec) => IDisposable;
  addPanel: (spec: IPanelSpec) => void;
  /** Add a kind of object, with its page and what can be done with it. */
  addKind: (spec: IKindSpec) => IDisposable;
  /**
   * Show the page of an object, or the page that holds it. It takes the place of the page of that
   * kind that nobody kept.
   */
  readonly open: (reference: string) => Promise<void>;
  /** Give the open page of an object a tab of its own. */
  readonly keep: (reference: string) => void;
}

export const IWorkbench = new Token<IWorkbench>(
  '@jupyter-mlinfra/labextension:IWorkbench',
  'Adds kinds, panels and commands to the ML infrastructure workbench, and opens references.'
);
