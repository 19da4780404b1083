import { act, fireEvent, screen } from '@testing-library/react';

import { ApiError } from '../../api/errors';
import type { INumber, IPage } from '../../api/types';

/** Let all answers come that are there without a timer. Tests that call it have fake timers. */
export const settle = (): Promise<void> =>
  act(async () => {
    await jest.advanceTimersByTimeAsync(0);
    await jest.advanceTimersByTimeAsync(0);
  });

/** Let time pass. */
export const pass = (milliseconds: number): Promise<void> =>
  act(() => jest.advanceTimersByTimeAsync(milliseconds));

export const exactly = (value: INumber['value'], basis: INumber['basis'] = 'exact'): INumber => ({
  value,
  basis,
  n: null,
  error: null
});

/** A part of a list, as the server answers it. */
export const pageOf = <T>(items: readonly T[], total = items.length): IPage<T> => ({
  items,
  shown: items.length,
  total,
  cursor: items.length < total ? 'next' : null
});

/** An error of the server with its three parts. */
export const BROKEN = new ApiError(
  'store_broken',
  'The store cannot be read.',
  'The file state.db is damaged.',
  'Restore it with mlinfra restore.',
  500
);

/** Names that a user may give, or be given, and that a page has to show as they are. */
export const HOSTILE: readonly [what: string, name: string][] = [
  ['markup', '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'],
  ['quotes', `it's "quoted" & \\back\\ \`ticks\``],
  ['right-to-left', 'נתוני טיסות של שנת 2013'],
  ['300 letters', 'x'.repeat(292) + 'theEnd12']
];

/** Press a key where the focus is. */
export const press = (key: string, more: object = {}): void => {
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...more });
};

/** The texts of the rows of a table below its head, a list of cells each. */
export const cells = (label: RegExp | string): string[][] =>
  [...screen.getByRole('grid', { name: label }).querySelectorAll('tbody tr')].map(row =>
    [...row.children].map(cell => cell.textContent.trim())
  );
