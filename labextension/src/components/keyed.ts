/** A key that was pressed, as React and the browser tell it. */
export type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'defaultPrevented' | 'preventDefault'
> & {
  target: EventTarget | null;
};

export interface IKeyed {
  press: (event: KeyPress) => void;
  help: () => void;
}

const FRAMES = new WeakMap<Element, IKeyed>();

/** Say what keys do in a frame. */
export const setKeys = (frame: Element, keyed: IKeyed): void => void FRAMES.set(frame, keyed);

/** The keys of the frame inside a node, if there is one. */
export const keysIn = (node: Element): IKeyed | undefined => {
  const frame = node.querySelector('[data-mlinfra-frame]');
  return frame ? FRAMES.get(frame) : undefined;
};

/** Where keys are text. */
export const TYPING = 'input:not([type="checkbox"]), textarea, select, [contenteditable="true"]';
