import { createContext } from 'react';

import type { ICodeCall } from '../api/client';

/** Takes the look-up that the page of a view shows, so that its code says the same. */
export const LookUpContext = createContext<(call: ICodeCall | null) => void>(() => undefined);

/** Takes whether a tab shows all of the code of a view itself. */
export const CodesContext = createContext<(shown: boolean) => void>(() => undefined);
