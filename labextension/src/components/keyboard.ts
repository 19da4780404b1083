/**
 * The position that a key moves to in a row of `count` things, or null when the key does not move.
 */
export function rove(
  key: string,
  index: number,
  count: number,
  direction: 'vertical' | 'horizontal' = 'vertical'
): number | null {
  const [back, forward] =
    direction === 'vertical' ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight'];
  switch (key) {
    case back:
      return Math.max(0, index - 1);
    case forward:
      return Math.min(count - 1, index + 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'PageUp':
      return Math.max(0, index - 10);
    case 'PageDown':
      return Math.min(count - 1, index + 10);
    default:
      return null;
  }
}

/** What a key asks of a row of a list or table, beside moving. */
export type RowAction = 'open' | 'select' | 'search' | 'leave' | 'unfold' | 'fold';

const ACTIONS: Readonly<Record<string, RowAction>> = {
  Enter: 'open',
  ' ': 'select',
  '/': 'search',
  Escape: 'leave',
  ArrowRight: 'unfold',
  ArrowLeft: 'fold'
};

/** The action of a key press; keys held with Ctrl, Alt or Meta belong to JupyterLab. */
export function rowAction(event: {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}): RowAction | null {
  return event.ctrlKey || event.altKey || event.metaKey ? null : (ACTIONS[event.key] ?? null);
}
