import React, { useCallback, useEffect, useState } from 'react';

import type { IChangeEvent } from '../../api/events';
import type { IGridBlock } from '../../api/types';
import { Result } from '../../components/card';
import { CodeDrawer } from '../../components/drawer';
import { PageTabs } from '../../components/pagetabs';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { formatRef, labelOf, parseRef } from '../../refs';
import type { IPageProps } from '../../tokens';
import { type Show, ShownContext } from '../grid/shown';
import { TABS } from '../tabs';
import { DatasetFacts } from './facts';
import { DatasetHead } from './head';
import { useAgain, useHeld } from './held';
import { Reveal } from './reveal';
import { RevealedContext } from './revealed';

/** The page of a dataset. */
export default function DatasetPage({ reference, name, onTitle }: IPageProps): React.ReactElement {
  const { client, events, open, trans } = useWorkbench();
  const at = parseRef(reference)?.at ?? null;
  const query = useQuery(reference, signal => client.catalog.show(labelOf(reference), signal), {
    topics: ['dataset'],
    about: formatRef('dataset', name)
  });
  const { refresh: ask } = query;
  const { detail: held, update, follow } = useHeld(query.data);
  const refresh = useCallback((): void => {
    follow();
    void ask();
  }, [follow, ask]);
  useAgain(refresh);
  useEffect(() => {
    const isOwn = ({ ref, data }: IChangeEvent): boolean =>
      data.own === true && ref === formatRef('dataset', name);
    const heard = events.listen(['dataset'], event => isOwn(event) && follow());
    return () => heard.dispose();
  }, [events, follow, name]);
  const [grid, setGrid] = useState<IGridBlock | null>(null);
  const [late, setLate] = useState(false);
  const showGrid = useCallback<Show>((block, isLate) => {
    setGrid(block);
    setLate(isLate);
  }, []);
  const [revealed, reveal] = useState(false);
  useEffect(() => {
    if (at !== null) {
      onTitle?.(trans.__('%1 as it was', name));
    }
  }, [at, name, onTitle, trans]);
  return (
    <>
      <DatasetHead
        reference={reference}
        name={name}
        detail={held}
        code={grid?.code}
        late={late}
        onRefresh={refresh}
      />
      <Result query={query}>
        {newest => {
          const detail = held ?? newest;
          return (
            <>
              <DatasetFacts
                detail={detail}
                onUpdate={at === null ? update : () => void open(formatRef('dataset', name))}
              />
              <Reveal detail={detail} revealed={revealed} onReveal={reveal} />
              <ShownContext.Provider value={showGrid}>
                <RevealedContext.Provider value={revealed}>
                  <PageTabs
                    tabs={TABS}
                    detail={detail}
                    page={reference}
                    first="columns"
                    note={trans._n(
                      '%2 column',
                      '%2 columns',
                      detail.schema.length,
                      format.number(detail.schema.length)
                    )}
                  />
                </RevealedContext.Provider>
              </ShownContext.Provider>
              <CodeDrawer code={grid?.code ?? detail.code} late={late} />
            </>
          );
        }}
      </Result>
    </>
  );
}
