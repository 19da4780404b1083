import React, { Suspense } from 'react';

import { Loading } from '../components/card';
import { type IPageState, PageContext } from '../hooks/page';
import { nameOf } from '../refs';
import type { IPageProps } from '../tokens';

interface IPageBodyProps {
  Body: React.ComponentType<IPageProps>;
  reference: string;
  state: IPageState;
  onTitle: (title: string) => void;
}

/** What a page shows, and what it was asked for. */
export function Page({ Body, reference, state, onTitle }: IPageBodyProps): React.ReactElement {
  return (
    <PageContext.Provider value={state}>
      <Suspense fallback={<Loading rows={8} />}>
        <Body reference={reference} name={nameOf(reference)} again={state.turn} onTitle={onTitle} />
      </Suspense>
    </PageContext.Provider>
  );
}
