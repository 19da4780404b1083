import React from 'react';

import { Loading } from '../components/card';
import { Later } from '../components/later';
import { type IPageState, PageContext } from '../hooks/page';
import { nameOf } from '../refs';
import type { IPageProps, Lazy } from '../tokens';

interface IPageBodyProps {
  body: Lazy<IPageProps>;
  reference: string;
  state: IPageState;
  onTitle: (title: string) => void;
}

/** What a page shows, and what it was asked for. */
export function Page({ body, reference, state, onTitle }: IPageBodyProps): React.ReactElement {
  return (
    <PageContext.Provider value={state}>
      <Later
        load={body}
        props={{ reference, name: nameOf(reference), again: state.turn, onTitle }}
        waiting={<Loading rows={8} />}
      />
    </PageContext.Provider>
  );
}
