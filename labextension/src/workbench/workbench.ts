import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { type ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { DisposableDelegate, DisposableSet, type IDisposable } from '@lumino/disposable';

import { Answers } from '../answers/answers';
import type { IClient } from '../api/client';
import type { IEvents } from '../api/events';
import type { ICode } from '../code/insert';
import { type IPointer, Seen } from '../frames';
import { type IKindSpec, kinds } from '../kinds';
import { kindOf, nameOf, pageOf } from '../refs';
import type {
  IActionSpec,
  ICommandSpec,
  IMemory,
  IMLInfra,
  IPanelSpec,
  IShelf,
  IWorkbench
} from '../tokens';
import { Actions } from './actions';
import { showBadge } from './badge';
import { START_MS } from './counts';
import { domainWord } from './domains';
import { type IPagedKind, pageOfTab, PageWidget } from './page';
import { PaletteWatch } from './palette';
import { PanelWidget } from './panel';
import { Pointer } from './pointer';
import { Shelf } from './shelf';
import { widen } from './width';

/** The height of a page below a notebook: that area has none of its own. */
const BELOW = '40vh';

interface IOptions {
  app: JupyterFrontEnd;
  /**
   * Where pages are shown: in Jupyter Notebook below the notebook, for its main area has but one
   * place.
   */
  area: 'main' | 'down';
  mlinfra: IMLInfra;
  trans: TranslationBundle;
  code: ICode;
  memory: IMemory;
  palette: ICommandPalette | null;
  restorer: ILayoutRestorer | null;
}

interface IPageKind {
  spec: IPagedKind;
  tracker: WidgetTracker<PageWidget>;
  /** The last page of the kind is shown, or failed to be. */
  shown: Promise<void>;
}

/** The panels, pages and commands of the workbench, in one JupyterLab. */
export class Workbench implements IWorkbench {
  constructor(private readonly _options: IOptions) {
    this.client = _options.mlinfra.client;
    this.events = _options.mlinfra.events;
    this.answers = new Answers(this.events);
    this.trans = _options.trans;
    this.code = _options.code;
    this.memory = _options.memory;
    this.shelf = new Shelf(_options.memory);
    this.commands = _options.app.commands;
    const palette = new PaletteWatch(this.commands, this._offered);
    this.pointer = new Pointer(_options.app.shell, palette.opened);
    this._actions = new Actions(this);
    document.addEventListener('dblclick', ({ target }) => {
      const reference = target instanceof Element && pageOfTab(target);
      if (reference) {
        this.keep(reference);
      }
    });
  }

  readonly client: IClient;
  readonly events: IEvents;
  readonly answers: Answers;
  readonly trans: TranslationBundle;
  readonly code: ICode;
  readonly memory: IMemory;
  readonly shelf: IShelf;
  readonly commands: CommandRegistry;
  readonly pointer: IPointer;
  readonly seen = new Seen();

  readonly addCommand = (spec: ICommandSpec): IDisposable => {
    const added = new DisposableSet();
    added.add(this._actions.addCommand(spec));
    this._offer(added, spec.id, spec.category);
    return added;
  };

  readonly addAction = (spec: IActionSpec): IDisposable => {
    const { contextMenu } = this._options.app;
    const added = new DisposableSet();
    added.add(this._actions.add(spec));
    if (!spec.quiet) {
      this._offer(added, spec.id, this.category(domainWord(spec, this.trans)));
      for (const kind of spec.inPage ? [] : (spec.kinds ?? [])) {
        const selector = `[data-mlinfra-ref^="${kind}:"]`;
        added.add(contextMenu.addItem({ command: spec.id, selector, rank: (this._rank += 1) }));
      }
    }
    return added;
  };

  private _offer(added: DisposableSet, command: string, category?: string): void {
    const { palette } = this._options;
    if (palette && category) {
      added.add(palette.addItem({ command, category }));
      this._offered.add(command);
      added.add(new DisposableDelegate(() => this._offered.delete(command)));
    }
  }

  addPanel(spec: IPanelSpec): void {
    const { app, restorer } = this._options;
    const panel = new PanelWidget(
      this,
      spec,
      shown => void app.restored.then(() => widen(shown, this.memory))
    );
    app.shell.add(panel, 'left', { rank: spec.rank, type: spec.title });
    restorer?.add(panel, panel.id);
    const { attention } = spec;
    if (attention) {
      const start = (): void => {
        if (!panel.isDisposed) {
          const badge = showBadge(panel.title, spec, attention);
          panel.disposed.connect(() => badge.dispose());
        }
      };
      void app.restored.then(() => setTimeout(start, START_MS));
    }
    this.addCommand({
      id: `mlinfra:${spec.name}-show`,
      label: args => (args.short ? spec.title : this.trans.__('Show %1', spec.title)),
      args: {
        short: {
          type: 'boolean',
          description: this.trans.__('Whether the label is the title alone')
        }
      },
      caption: spec.caption,
      icon: spec.icon,
      category: this.category(spec.title),
      execute: () => app.shell.activateById(panel.id)
    });
  }

  category(domain: string): string {
    return this.trans.__('ML: %1', domain);
  }

  readonly addKind = (spec: IKindSpec): IDisposable => {
    const added = new DisposableSet();
    added.add(kinds.add(spec));
    if (spec.page) {
      added.add(this._addPage({ ...spec, page: spec.page }));
    }
    spec.actions?.forEach(action => added.add(this.addAction(action)));
    return added;
  };

  private _addPage(spec: IPagedKind): IDisposable {
    const { restorer } = this._options;
    const { command, label, caption } = spec.page;
    const tracker = new WidgetTracker<PageWidget>({ namespace: `mlinfra-${spec.kind}` });
    this._pages.set(spec.kind, { spec, tracker, shown: Promise.resolve() });
    const added = this.addCommand({
      id: command,
      label,
      caption,
      icon: spec.icon,
      args: {
        ref: { type: 'string', description: this.trans.__('The reference of the object') },
        restored: {
          type: 'boolean',
          description: this.trans.__('Whether the page only comes back after a reload')
        },
        preview: {
          type: 'boolean',
          description: this.trans.__('Whether the page that comes back was not kept')
        }
      },
      execute: ({ ref, restored, preview }) =>
        typeof ref !== 'string'
          ? undefined
          : restored === true
            ? this._open(ref, preview === true)
            : this.open(ref)
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command,
        args: page => ({ ref: page.reference, restored: true, preview: page.isPreview }),
        name: page => page.reference
      });
    }
    return new DisposableDelegate(() => {
      added.dispose();
      this._pages.delete(spec.kind);
    });
  }

  readonly open = (reference: string): Promise<void> => {
    const target = pageOf(reference);
    if (this._pages.has(kindOf(target)) && nameOf(target)) {
      this.shelf.visit(target);
    }
    return this._open(reference, true);
  };

  readonly keep = (reference: string): void => {
    const target = pageOf(reference);
    const page = this._find(target);
    if (page) {
      page.isPreview = false;
    } else {
      // the second click of two was faster than the page
      void this._opening.get(target)?.then(() => this.keep(reference));
    }
  };

  /** The page in front, if it is one of ours that nobody has kept. */
  get preview(): PageWidget | null {
    const { currentWidget } = this._options.app.shell;
    return currentWidget instanceof PageWidget && currentWidget.isPreview ? currentWidget : null;
  }

  private _find(target: string): PageWidget | undefined {
    return this._pages.get(kindOf(target))?.tracker.find(page => page.reference === target);
  }

  /** preview: whether the next page of its kind may take its place. */
  private async _open(reference: string, preview: boolean): Promise<void> {
    const target = pageOf(reference);
    const kind = this._pages.get(kindOf(target));
    if (!kind || !nameOf(target)) {
      return;
    }
    const open = this._find(target);
    if (open) {
      open.revisit(reference);
      this._options.app.shell.activateById(open.id);
      return;
    }
    // A page is in its tracker only after a while: who asks for it meanwhile waits for the same
    // page.
    const pending =
      this._opening.get(target) ?? this._show(kind, reference, preview && !kind.spec.page.kept);
    this._opening.set(target, pending);
    try {
      await pending;
    } finally {
      this._opening.delete(target);
    }
  }

  /** One page of a kind after the other: each takes the place of the one before. */
  private _show(kind: IPageKind, reference: string, preview: boolean): Promise<void> {
    const shown = kind.shown.then(() => this._add(kind, reference, preview));
    kind.shown = shown.catch(() => undefined);
    return shown;
  }

  private async _add(kind: IPageKind, reference: string, preview: boolean): Promise<void> {
    const { app, area } = this._options;
    const page = new PageWidget(this, kind.spec, pageOf(reference), reference);
    page.isPreview = preview;
    await kind.tracker.add(page);
    // Chosen only now: the one before may have been kept, or closed, meanwhile.
    const last = preview ? this._replaced(kind, page) : undefined;
    page.onPreview = () => void kind.tracker.save(page);
    if (area === 'down') {
      page.content.node.style.minHeight = BELOW;
    }
    app.shell.add(page, area, {
      type: kind.spec.kind,
      ...(last && { ref: last.id, mode: 'tab-after' })
    });
    app.shell.activateById(page.id);
    last?.dispose();
  }

  /** The page of a kind whose place a new one takes; one that was moved beside others is kept. */
  private _replaced({ tracker }: IPageKind, next: PageWidget): PageWidget | undefined {
    tracker.forEach(page => {
      page.isPreview &&= page.isInPlace;
    });
    return tracker.find(page => page !== next && page.isPreview);
  }

  private readonly _actions: Actions;
  /** What palettes show. */
  private readonly _offered = new Set<string>();
  /** Of the next item in the context menus: in the order in which actions are added. */
  private _rank = 10;
  private readonly _opening = new Map<string, Promise<void>>();
  private readonly _pages = new Map<string, IPageKind>();
}

/** What is kept, in JupyterLab's state database of this workspace. */
export function createMemory(state: IStateDB | null): IMemory {
  const key = (name: string): string => `jupyter-mlinfra:${name}`;
  return {
    read: async <T>(name: string) => (await state?.fetch(key(name))) as T | undefined,
    write: (name, value) => void state?.save(key(name), value as ReadonlyPartialJSONValue)
  };
}
