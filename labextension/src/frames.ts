import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';

import type { Door } from './code/cell';
import type { IWorkbench } from './tokens';

/** The code that a page shows. */
export interface IFrameCode {
  readonly text: string;
  readonly door: Door;
}

/** What commands find in a panel, a page or a card that is drawn. */
export interface IFrameHandle {
  readonly workbench: IWorkbench;
  /** The code at its foot. */
  readonly code: () => IFrameCode | null;
  /** What it does for a command that works in it. */
  readonly verb: (id: string) => (() => void) | undefined;
  /** Show its keys. */
  readonly help: () => void;
}

const FRAMES = new WeakMap<Element, IFrameHandle>();
const SELECTOR = '[data-mlinfra-frame]';

/** Let commands find a frame. */
export const enter = (node: Element, handle: IFrameHandle): void => void FRAMES.set(node, handle);

/** The frame around a node. */
export const frameAround = (node: Element): IFrameHandle | undefined => {
  const frame = node.closest(SELECTOR);
  return frame ? FRAMES.get(frame) : undefined;
};

/** The frame inside a node: that of a widget. */
export const frameIn = (node: Element): IFrameHandle | undefined => {
  const frame = node.querySelector(SELECTOR);
  return frame ? FRAMES.get(frame) : undefined;
};

/**
 * What was last drawn of objects: commands read there whether they can be done. What drew it may
 * draw it again after there was news of it; what had been replaced stays so.
 */
export class Seen {
  /** An item that says another reference than `ref` is of something else. */
  note(ref: string, item: object): void {
    const before = this._items.get(ref);
    if (this._replaced.has(item) || ('ref' in item && item.ref !== ref)) {
      return;
    }
    if (before && before !== item) {
      this._replaced.add(before);
    }
    this._items.delete(ref);
    this._items.set(ref, item);
    if (this._items.size > MOST) {
      this._items.delete(this._items.keys().next().value ?? '');
    }
  }

  of(ref: string): object | undefined {
    return this._items.get(ref);
  }

  private readonly _items = new Map<string, object>();
  private readonly _replaced = new WeakSet();
}

const MOST = 2_000;

/** Where the user is: the row, page or panel that commands without a reference mean. */
export interface IPointer extends IDisposable {
  /** What was clicked or focused last, of what is still there. */
  readonly node: Element | null;
  /** The frame in use: that of the node; without a node, that of the page in front. */
  readonly frame: IFrameHandle | undefined;
  /** The frame of the page in front. */
  readonly front: IFrameHandle | undefined;
  /**
   * References that a call with these arguments may mean, the nearest first. A key means the row or
   * page that has the focus; the palette and menus may mean the page in front as well.
   */
  readonly refs: (args?: ReadonlyPartialJSONObject) => readonly string[];
}
