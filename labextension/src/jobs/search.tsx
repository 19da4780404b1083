import '../../style/jobs.css';

import React, { useRef, useState } from 'react';

import type { IJob, ILogHit, ILogHits } from '../api/types';
import { Button } from '../components/button';
import { explainError } from '../components/explain';
import { cx } from '../components/cx';
import { Icon } from '../components/icon';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { PAGE } from '../hooks/list';
import { type IQuery, useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';

/** Where a search stands: the cursors of the pages up to the present one, and a hit of that. */
interface IPlace {
  words: string;
  cursors: readonly string[];
  index: number;
}

const first = (words: string): IPlace => ({ words, cursors: [''], index: 0 });

/** The place of the next hit, or of the one before; behind the last one comes the first. */
export function stepped(
  place: IPlace,
  page: Pick<ILogHits, 'items' | 'cursor'>,
  forward: boolean
): IPlace {
  const { words, cursors, index } = place;
  if (!forward) {
    return index > 0
      ? { ...place, index: index - 1 }
      : {
          words,
          cursors: cursors.length > 1 ? cursors.slice(0, -1) : cursors,
          index: cursors.length > 1 ? PAGE - 1 : 0
        };
  }
  if (index + 1 < page.items.length) {
    return { ...place, index: index + 1 };
  }
  return page.cursor ? { words, cursors: [...cursors, page.cursor], index: 0 } : first(words);
}

export interface ILogSearch {
  /** What stands in the box. */
  words: string;
  /** What is shown of the log; null for its end. */
  hit: ILogHit | null;
  type: (words: string) => void;
  step: (forward: boolean) => void;
  query: IQuery<ILogHits>;
  /** Number of the hit, from 1. */
  number: number;
  settled: string;
}

/** A search in the whole log of a job, by the server, page by page. */
export function useLogSearch(job: IJob): ILogSearch {
  const { client } = useWorkbench();
  const [words, type] = useState('');
  const settled = useSettled(words.trim(), 250);
  const [kept, keep] = useState(first(''));
  const place = kept.words === settled ? kept : first(settled);
  const cursor = place.cursors[place.cursors.length - 1] ?? '';
  const query = useQuery(
    `log:${job.ref}:${cursor}:${settled}`,
    signal => client.jobs.searchLog(job.id, { text: settled, limit: PAGE, cursor }, signal),
    { every: () => null, when: settled !== '' }
  );
  const page = settled ? query.data : undefined;
  return {
    words,
    settled,
    hit: page?.items[place.index] ?? null,
    number: (place.cursors.length - 1) * PAGE + place.index + 1,
    type,
    step: forward => page && keep(stepped(place, page, forward)),
    query
  };
}

/**
 * The box, how many lines it has found, and the way through them: Enter goes on, Shift Enter back,
 * Escape to the end of the log.
 */
export function LogSearchBox({ search }: { search: ILogSearch }): React.ReactElement {
  const { trans } = useWorkbench();
  const box = useRef<HTMLInputElement>(null);
  const { words, type, step } = search;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      step(!event.shiftKey);
    } else if (event.key === 'Escape' && words) {
      event.stopPropagation();
      type('');
    }
  };
  return (
    <span className={cx('jobs-log-search')} role="search" aria-label={trans.__('Log')}>
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        className={cx('input')}
        aria-label={trans.__('Search the whole log')}
        placeholder={trans.__('search the log')}
        value={words}
        spellCheck={false}
        onChange={event => type(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <span role="status">
        <Found search={search} />
      </span>
      <Button
        bare
        kind="quiet"
        icon="up"
        label={trans.__('The Line Before')}
        disabled={!search.settled}
        onClick={() => step(false)}
      />
      <Button
        bare
        kind="quiet"
        icon="down"
        label={trans.__('The Next Line')}
        disabled={!search.settled}
        onClick={() => step(true)}
      />
    </span>
  );
}

function Found({
  search: { settled, query, number, hit }
}: {
  search: ILogSearch;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!settled) {
    return null;
  }
  if (query.error) {
    return <>{explainError(query.error, trans).what}</>;
  }
  const { data } = query;
  if (!data) {
    return <>{trans.__('searching…')}</>;
  }
  const total = format.number(data.total);
  if (!hit) {
    return (
      <>{data.cursor ? trans.__('nothing so far; Enter goes on') : trans.__('nothing found')}</>
    );
  }
  return (
    <>
      {data.more
        ? trans.__('%1 of at least %2', format.number(number), total)
        : trans.__('%1 of %2', format.number(number), total)}
    </>
  );
}
