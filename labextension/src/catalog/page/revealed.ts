import { createContext, useContext } from 'react';

import type { IColumn } from '../../api/types';

/**
 * Whether a page asks for the values of masked columns: until its user masks them again, or closes
 * it.
 */
export const RevealedContext = createContext(false);

export const useRevealed = (): boolean => useContext(RevealedContext);

/** The columns that hold personal data. */
export const personal = <T extends Pick<IColumn, 'tags'>>(columns: readonly T[]): T[] =>
  columns.filter(({ tags }) => tags.some(tag => tag.toLowerCase() === 'pii'));
