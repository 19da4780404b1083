import { LabIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React, { useEffect, useReducer, useRef, useState } from 'react';

import { useWorkbench } from '../hooks/context';
import { Button, type IButtonProps } from './button';
import { type AnyIcon, isDrawn } from './glyphs';

interface IActionButtonProps extends Pick<IButtonProps, 'kind' | 'bare' | 'icon' | 'pressed'> {
  command: string;
  args?: ReadonlyPartialJSONObject;
  /** The object with which the command is called, and its data. */
  target?: { ref: string };
  /** Instead of that of the command: what stands beside its object can be shorter. */
  label?: string;
  caption?: string;
  /** While it is being done. */
  busyLabel?: string;
}

/** Ours as our own drawing, which follows the size and weight of the text. */
function iconOf(commands: CommandRegistry, id: string): AnyIcon | undefined {
  const icon = commands.icon(id);
  if (!(icon instanceof LabIcon)) {
    return undefined;
  }
  const [, own = ''] = icon.name.split('jupyter-mlinfra:');
  return isDrawn(own) ? own : icon;
}

/** Draw again when a command changes, such as while it is being done. */
function useChanges(id: string): void {
  const { commands } = useWorkbench();
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => {
    const slot = (
      _: CommandRegistry,
      { id: which, type }: CommandRegistry.ICommandChangedArgs
    ): void => {
      if (type === 'many-changed' || which === id) {
        draw();
      }
    };
    commands.commandChanged.connect(slot);
    return () => void commands.commandChanged.disconnect(slot);
  }, [commands, id]);
}

/**
 * A button that is disabled while it is being done loses the focus. The call that is answered gives
 * it back, or to the row around, unless it is somewhere by now.
 */
function wayBack(button: Element): () => void {
  const hadFocus = document.activeElement === button;
  const row = button.closest<HTMLElement>('[tabindex]');
  const isLost = (): boolean => hadFocus && document.activeElement === document.body;
  return () => {
    for (const place of [button, row]) {
      if (isLost() && place instanceof HTMLElement) {
        place.focus();
      }
    }
  };
}

/** A button of a command: its words, its icon, and whether and why not it can be pressed. */
export function ActionButton({
  command,
  args = {},
  target,
  label,
  caption,
  busyLabel,
  ...look
}: IActionButtonProps): React.ReactElement {
  const { commands, seen } = useWorkbench();
  useChanges(command);
  const all = target ? { ref: target.ref, ...args } : args;
  const [busy, setBusy] = useState(false);
  const back = useRef<() => void>();
  // once it is enabled again, or gone
  useEffect(() => (busy ? () => back.current?.() : undefined), [busy]);
  const press = async (button: Element): Promise<void> => {
    back.current = wayBack(button);
    setBusy(true);
    await commands.execute(command, all).finally(() => setBusy(false));
  };
  if (target) {
    seen.note(target.ref, target);
  }
  const enabled = commands.isEnabled(command, all);
  return (
    <Button
      {...look}
      icon={look.icon ?? iconOf(commands, command)}
      label={(busy ? busyLabel : undefined) ?? label ?? commands.label(command, all)}
      caption={(enabled ? caption : undefined) ?? commands.caption(command, all)}
      disabled={busy || !enabled}
      onClick={event => void press(event.currentTarget)}
    />
  );
}
