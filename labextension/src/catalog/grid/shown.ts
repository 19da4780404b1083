import { createContext, useContext } from 'react';

import type { IGridBlock } from '../../api/types';

type Show = (block: IGridBlock | null) => void;

/** Takes what the grid of a page shows, so that its head and its code say the same. */
export const ShownContext = createContext<Show>(() => undefined);

export const useShownCode = (): Show => useContext(ShownContext);
