import { createContext, useContext } from 'react';

import type { IGridBlock } from '../../api/types';

/** late: what is asked for is on its way; until then there is no code of it. */
export type Show = (block: IGridBlock | null, late: boolean) => void;

/** Takes what the grid of a page shows, so that its head and its code say the same. */
export const ShownContext = createContext<Show>(() => undefined);

export const useShownCode = (): Show => useContext(ShownContext);
