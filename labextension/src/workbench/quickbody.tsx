import React, { useEffect, useRef } from 'react';

import { cx } from '../components/cx';
import { SearchBox, SearchResults, useSearch } from '../components/search';
import { Pinned, Recent } from '../components/shelf';
import { useWorkbench } from '../hooks/context';
import { kinds } from '../kinds';

interface IQuickProps {
  onShown: (input: HTMLInputElement) => void;
}

/** The search over everything: what is pinned and was opened last, until something is typed. */
export function Quick({ onShown }: IQuickProps): React.ReactElement {
  const { trans } = useWorkbench();
  const search = useSearch();
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(onShown);
  useEffect(() => {
    const input = host.current?.closest('[data-mlinfra-frame]')?.querySelector('input');
    if (input) {
      latest.current(input);
    }
  }, []);
  const all = kinds.of();
  return (
    <>
      <SearchBox search={search} placeholder={trans.__('name, column, tag, owner, reference')} />
      <div ref={host} className={cx('panel-body')}>
        {search.settled ? (
          <SearchResults search={search} all />
        ) : (
          <>
            <Pinned name="quick:pinned" title={trans.__('Pinned')} kinds={all} />
            <Recent name="quick:recent" kinds={all} />
          </>
        )}
      </div>
    </>
  );
}
