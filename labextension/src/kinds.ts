import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import type { IClient } from './api/client';
import type { Topic } from './api/events';
import type { AnyIcon } from './components/glyphs';
import type { IActionSpec, IPageSpec } from './tokens';

/** How the names in a reference are joined. */
export interface IJoin {
  readonly sign: string;
  /**
   * Only the last sign joins: the names before it may hold it too, and the last one has it encoded.
   */
  readonly last?: boolean;
}

/** A kind of object: what every list, page, search, drag and menu has to know of it. */
export interface IKindSpec {
  /** As it stands in a reference, before the colon. */
  readonly kind: string;
  readonly icon: AnyIcon;
  /** One word, as it stands beside a name. */
  readonly label: string;
  /** The plural, as a section title. */
  readonly plural: string;
  /** What joins its names, where it has several: the dataset and the column. */
  readonly join?: IJoin;
  /** The kind whose page shows it; its name is the first of the names. */
  readonly owner?: string;
  /** The panel that shows it, whose search looks for it first. */
  readonly panel?: string;
  /** Whether the server's half of its domain gives its code. */
  readonly code?: boolean;
  /** What its page asks, where its references hold an id: the name that people know it by. */
  readonly describe?: (
    client: IClient,
    id: string,
    signal: AbortSignal
  ) => Promise<{ readonly name: string }>;
  /** Its own page. */
  readonly page?: IPageSpec;
  /** What events say of it. */
  readonly topic?: Topic;
  /** What can be done with such an object. */
  readonly actions?: readonly IActionSpec[];
  /** The command that the key Delete calls. */
  readonly remove?: string;
}

/** The kinds of objects that the front end knows. */
export class Kinds {
  /** Add a kind until the answer is disposed; each has one spec. */
  add(spec: IKindSpec): IDisposable {
    if (this._specs.has(spec.kind)) {
      throw new Error(`The kind “${spec.kind}” is there already.`);
    }
    this._specs.set(spec.kind, spec);
    return new DisposableDelegate(() => {
      if (this._specs.get(spec.kind) === spec) {
        this._specs.delete(spec.kind);
      }
    });
  }

  get(kind: string): IKindSpec | undefined {
    return this._specs.get(kind);
  }

  /** The kinds that a panel shows; without one, those that any panel shows. */
  of(panel?: string): string[] {
    return [...this._specs.values()]
      .filter(spec => spec.panel !== undefined && (panel ?? spec.panel) === spec.panel)
      .map(({ kind }) => kind);
  }

  /** The icon of a kind; that of a file where it is not known. */
  icon(kind: string): AnyIcon {
    return this._specs.get(kind)?.icon ?? 'file';
  }

  private readonly _specs = new Map<string, IKindSpec>();
}

/** One for the whole front end: plain functions such as `parseRef` read it too. */
export const kinds = new Kinds();
